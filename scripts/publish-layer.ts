// Publishes the layer with the AWS CLI: one version per region, and the right to use it for everybody only when that was
// asked for and then confirmed on the terminal. Prints the ARN of each version. DRY_RUN=1 prints the commands and runs none.
// https://docs.aws.amazon.com/cli/latest/reference/lambda/publish-layer-version.html
// usage: REGION=eu-central-1,us-east-1 [ARCH=x86_64] [LAYER_NAME=...] [PUBLIC=1] [DRY_RUN=1] node scripts/publish-layer.ts

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findProgram, hostArchitecture, layerPath, parseArchitecture, root } from './build/toolchain.ts';

/** Those that run on Amazon Linux 2023. The executable needs glibc 2.28, which Amazon Linux 2 does not have. */
const RUNTIMES = [
  ...['nodejs20.x', 'nodejs22.x', 'nodejs24.x'],
  ...['python3.12', 'python3.13', 'python3.14'],
  ...['java21', 'java25'],
  ...['dotnet8', 'dotnet10'],
  ...['ruby3.3', 'ruby3.4'],
  'provided.al2023',
];

/** A mistake of the user: told in one line. */
class UsageError extends Error {}

const { env } = process;

async function publish(): Promise<void> {
  const arch = parseArchitecture(env['ARCH'] || hostArchitecture);
  const regions = (env['REGION'] ?? '')
    .split(',')
    .map((region) => region.trim())
    .filter(Boolean);
  if (regions.length === 0) throw new UsageError('REGION is missing. For example: make publish REGION=eu-central-1');
  const dryRun = isSet('DRY_RUN');
  const everybody = isSet('PUBLIC');
  if (!dryRun && findProgram('aws') === undefined) {
    throw new UsageError('the AWS CLI (aws) is not on the PATH: install it, or use DRY_RUN=1 to see its commands');
  }
  const archive = path.relative(root, layerPath(arch));
  const layer = env['LAYER_NAME'] || `aws-lambda-loki-extension-${arch}`;
  if (everybody && !dryRun) await confirm(`Let every AWS account use ${layer} in ${regions.join(', ')}?`);
  for (const region of regions) {
    const publishArgs = publishCommand(layer, region, arch, archive);
    if (dryRun) {
      show(publishArgs);
      if (everybody) show(permissionCommand(layer, region, 'VERSION'));
      continue;
    }
    const { LayerVersionArn, Version } = JSON.parse(aws(publishArgs));
    if (everybody) aws(permissionCommand(layer, region, String(Version)));
    console.log(LayerVersionArn);
  }
}

function publishCommand(layer: string, region: string, arch: string, archive: string): string[] {
  const { version, description } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return [
    ...['lambda', 'publish-layer-version', '--region', region, '--layer-name', layer],
    ...['--description', `${version}: ${description}`, '--license-info', 'Apache-2.0'],
    ...['--compatible-architectures', arch, '--compatible-runtimes', ...RUNTIMES],
    ...['--zip-file', `fileb://${archive}`, '--output', 'json'],
  ];
}

function permissionCommand(layer: string, region: string, version: string): string[] {
  return [
    ...['lambda', 'add-layer-version-permission', '--region', region, '--layer-name', layer],
    ...['--version-number', version, '--statement-id', 'public', '--principal', '*'],
    ...['--action', 'lambda:GetLayerVersion', '--output', 'json'],
  ];
}

function aws(args: readonly string[]): string {
  const { status, stdout, error } = spawnSync('aws', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, AWS_PAGER: '' },
  });
  if (status !== 0)
    throw new UsageError(`aws ${args.slice(0, 2).join(' ')} failed: ${error?.message ?? `exit ${status}`}`);
  return stdout;
}

/** Throws unless a person says yes. Without a terminal there is nobody to ask. */
async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new UsageError('PUBLIC=1 asks before it goes public, and there is no terminal to ask on');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} Type yes: `);
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new UsageError('not confirmed, nothing was published');
}

/** Prints a command as one can paste it into a shell. */
function show(args: readonly string[]): void {
  const quote = (word: string) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
  console.log(['aws', ...args].map(quote).join(' '));
}

function isSet(name: string): boolean {
  return !['', '0', 'false', 'no', undefined].includes(env[name]);
}

await publish().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(`make publish: ${error.message}`);
  process.exitCode = 2;
});
