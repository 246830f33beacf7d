// The endpoint and the credentials for an AWS service, found in the function's environment as the SDKs do.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
import { readFileSync } from 'node:fs';
import type { EpochMs } from '../time.ts';
import type { Reference } from './reference.ts';

/** The variables that are read here. */
export const AWS_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  'AWS_ENDPOINT_URL_SSM',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
] as const;
export type AwsEnvironment = Readonly<Partial<Record<(typeof AWS_VARIABLES)[number], string>>>;

/** The domains of each partition: IPv4 only, and dual-stack. An unknown partition is treated like the first. */
const DOMAINS: Readonly<Record<string, readonly [domain: string, dualStack: string]>> = {
  aws: ['amazonaws.com', 'api.aws'],
  'aws-us-gov': ['amazonaws.com', 'api.aws'],
  'aws-cn': ['amazonaws.com.cn', 'api.amazonwebservices.com.cn'],
  'aws-eusc': ['amazonaws.eu', 'api.amazonwebservices.eu'],
  'aws-iso': ['c2s.ic.gov', 'api.aws.ic.gov'],
  'aws-iso-b': ['sc2s.sgov.gov', 'api.aws.scloud'],
  'aws-iso-e': ['cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'],
  'aws-iso-f': ['csp.hci.ic.gov', 'api.aws.hci.ic.gov'],
};

/** @returns the URL of the service that holds the secret, without a trailing slash */
export function serviceUrl({ service, partition, region }: Reference, env: AwsEnvironment): string {
  const configured = service === 'ssm' ? env.AWS_ENDPOINT_URL_SSM : env.AWS_ENDPOINT_URL_SECRETS_MANAGER;
  const url = configured?.trim() || env.AWS_ENDPOINT_URL?.trim();
  if (url && !isOn(env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)) return url.replace(/\/$/, '');
  // In GovCloud SSM has only the FIPS endpoint, and it has the plain name.
  const fips = isOn(env.AWS_USE_FIPS_ENDPOINT) && !(service === 'ssm' && partition === 'aws-us-gov');
  const [domain, dualStack] = DOMAINS[partition] ?? ['amazonaws.com', 'api.aws'];
  const suffix = isOn(env.AWS_USE_DUALSTACK_ENDPOINT) ? dualStack : domain;
  return `https://${service}${fips ? '-fips' : ''}.${region}.${suffix}`;
}

function isOn(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  /** Undefined if they are valid as long as the sandbox lives. */
  readonly expiresAtMs: EpochMs | undefined;
}

/**
 * The endpoint for credentials. A sandbox that was restored from a snapshot does not have them in its environment.
 */
export interface CredentialsEndpoint {
  readonly url: string;
  readonly authorization: string | undefined;
}

/** @returns undefined if the environment has neither */
export function findCredentials(env: AwsEnvironment): Credentials | CredentialsEndpoint | undefined {
  const accessKeyId = env.AWS_ACCESS_KEY_ID?.trim();
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY?.trim();
  if (accessKeyId && secretAccessKey) {
    const sessionToken = env.AWS_SESSION_TOKEN?.trim() || undefined;
    return { accessKeyId, secretAccessKey, sessionToken, expiresAtMs: undefined };
  }
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env;
  const url = relative ? `http://169.254.170.2${relative}` : full;
  return url ? { url, authorization: readToken(env) } : undefined;
}

/** The file is renewed, so it is read each time. */
function readToken(env: AwsEnvironment): string | undefined {
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  if (!file) return env.AWS_CONTAINER_AUTHORIZATION_TOKEN || undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    // The endpoint will say what is missing.
    return undefined;
  }
}

/** @returns the credentials in the endpoint's answer; undefined if there are none */
export function parseCredentials(text: string): Credentials | undefined {
  const answer = parseObject(text);
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') return undefined;
  const expiresAtMs = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.NaN;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof Token === 'string' ? Token : undefined,
    expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
  };
}

/** The object in a JSON text; an empty object for any other text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
