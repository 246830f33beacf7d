// What `make publish` is asked to do, read from its variables and checked as a whole: either a request that makes sense, or
// every problem with it at once. Nothing here asks AWS.

import { ARCHITECTURES, hostArchitecture, layerPath } from '../build/toolchain.ts';

export interface PublishRequest {
  readonly arch: (typeof ARCHITECTURES)[number];
  readonly regions: readonly string[];
  /** `aws`, `aws-us-gov`, `aws-cn`: credentials are of one partition, and so is a run. */
  readonly partition: string;
  readonly layerName: string;
  /** The zip; LAYER_FILE names another than the one that `make zip` makes. */
  readonly layerFile: string;
  /** Who may use the version beside this account. */
  readonly audience: Audience;
  readonly dryRun: boolean;
  /** Public without asking on the terminal. */
  readonly confirmed: boolean;
}

export type Audience =
  | { readonly kind: 'account' }
  | { readonly kind: 'everybody' }
  | { readonly kind: 'organization'; readonly id: string };

export type Reading =
  | { readonly ok: true; readonly request: PublishRequest }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The name of a region says its partition. https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
];
const REGION = /^[a-z]{2,4}(-[a-z]+){1,2}-\d{1,2}$/;

type Variables = Readonly<Record<string, string | undefined>>;

export function readRequest(env: Variables): Reading {
  const problems: string[] = [];
  const arch = readArchitecture(env, problems);
  const regions = readRegions(env, problems);
  const layerName = textOf(env, 'LAYER_NAME') || `aws-lambda-loki-extension-${arch}`;
  if (!/^[\w-]{1,64}$/.test(layerName)) {
    problems.push(`LAYER_NAME must be 1 to 64 letters, digits, - and _, not ${layerName}`);
  }
  const audience = readAudience(env, problems);
  const dryRun = readFlag(env, 'DRY_RUN', problems);
  const confirmed = readFlag(env, 'YES', problems);
  if (problems.length > 0 || arch === undefined) return { ok: false, problems };
  const partition = partitionOf(regions[0] ?? '');
  const layerFile = textOf(env, 'LAYER_FILE') || layerPath(arch);
  return { ok: true, request: { arch, regions, partition, layerName, layerFile, audience, dryRun, confirmed } };
}

function textOf(env: Variables, name: string): string {
  return (env[name] ?? '').trim();
}

function readFlag(env: Variables, name: string, problems: string[]): boolean {
  const value = textOf(env, name).toLowerCase();
  if (['1', 'true', 'yes'].includes(value)) return true;
  if (!['', '0', 'false', 'no'].includes(value)) problems.push(`${name} must be 1 or 0, not ${value}`);
  return false;
}

function readArchitecture(env: Variables, problems: string[]): PublishRequest['arch'] | undefined {
  const text = textOf(env, 'ARCH') || hostArchitecture;
  const arch = ARCHITECTURES.find((known) => known === text);
  if (arch === undefined) problems.push(`ARCH must be x86_64 or arm64, not ${text}`);
  return arch;
}

/** Each once. */
function readRegions(env: Variables, problems: string[]): string[] {
  const names = textOf(env, 'REGION').split(/[\s,]+/);
  const regions = [...new Set(names.filter(Boolean))];
  if (regions.length === 0) problems.push('REGION is missing. For example: make publish REGION=eu-central-1,us-east-1');
  for (const region of regions.filter((name) => !REGION.test(name))) {
    problems.push(`REGION: ${region} is no name of a region. For example: eu-central-1`);
  }
  const partitions = new Set(regions.filter((name) => REGION.test(name)).map(partitionOf));
  if (partitions.size > 1) {
    const found = [...partitions].join(' and ');
    problems.push(`REGION: ${regions.join(', ')} are of ${found}, whose credentials differ: one run for each`);
  }
  return regions;
}

function readAudience(env: Variables, problems: string[]): Audience {
  const everybody = readFlag(env, 'PUBLIC', problems);
  const id = textOf(env, 'ORGANIZATION');
  if (everybody && id !== '') problems.push('PUBLIC=1 and ORGANIZATION= contradict each other: set one of them');
  if (id !== '' && !/^o-[a-z0-9]{10,32}$/.test(id)) {
    problems.push(`ORGANIZATION must be the id of an organisation, o-a1b2c3d4e5 for example, not ${id}`);
  }
  if (everybody) return { kind: 'everybody' };
  return id === '' ? { kind: 'account' } : { kind: 'organization', id };
}

function partitionOf(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';
}
