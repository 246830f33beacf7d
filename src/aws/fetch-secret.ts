// Fetches one secret: one signed POST, and the meaning of its answer. Total: whatever the service says becomes a value
// or a trouble.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
import type { OnTheWay, SecretTrouble } from '../diagnosis/symptoms.ts';
import type { EpochMs, SteadyClock } from '../time.ts';
import type { Reference } from './reference.ts';
import { type AwsEnvironment, type Credentials, parseObject, serviceUrl } from './service.ts';
import { sign } from './sign.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** The service's clock, if the answer states it. */
  readonly dateMs?: EpochMs | undefined;
}

/**
 * Sends a request. Rejects with an UnreachableError if no answer came.
 * @param make is called for each attempt: a signature from before a freeze has expired after it
 */
export type SendHttp = (make: () => HttpRequest) => Promise<HttpAnswer>;

export class UnreachableError extends Error {
  readonly way: OnTheWay;

  constructor(way: OnTheWay) {
    super(way.detail);
    this.way = way;
  }
}

export type FetchedSecret = { readonly value: string } | { readonly trouble: SecretTrouble };

const CALLS = {
  secretsmanager: { target: 'secretsmanager.GetSecretValue', permission: 'secretsmanager:GetSecretValue' },
  ssm: { target: 'AmazonSSM.GetParameter', permission: 'ssm:GetParameter' },
} as const;

export async function fetchSecret(
  reference: Reference,
  credentials: Credentials,
  env: AwsEnvironment,
  send: SendHttp,
  clock: SteadyClock,
): Promise<FetchedSecret> {
  const url = `${serviceUrl(reference, env)}/`;
  try {
    const ask = (aheadMs: number) => send(() => toRequest(url, reference, credentials, clock.now() + aheadMs));
    const answer = await ask(0);
    const aheadMs = (answer.dateMs ?? Number.NaN) - clock.now();
    // Right after a thaw the sandbox's clock may still be behind.
    const isLate = isRefusedForTime(answer) && Math.abs(aheadMs) > MIN_SKEW_MS;
    return read(reference, isLate ? await ask(aheadMs) : answer);
  } catch (error) {
    return { trouble: { kind: 'unreachable', url, way: wayOf(error) } };
  }
}

/** The services accept a signature up to five minutes old or five minutes ahead. */
const MIN_SKEW_MS = 60_000;

function isRefusedForTime({ status, text }: HttpAnswer): boolean {
  return status !== 200 && /Signature|RequestExpired|Skewed|InTheFuture/.test(codeOf(parseObject(text)));
}

/** An error that `SendHttp` does not promise is a bug of ours, or an invalid URL. */
export function wayOf(error: unknown): OnTheWay {
  if (error instanceof UnreachableError) return error.way;
  return { kind: 'unreachable', phase: 'closed', detail: error instanceof Error ? error.name : '' };
}

function toRequest(url: string, reference: Reference, credentials: Credentials, nowMs: EpochMs): HttpRequest {
  const { service, region, id, versionStage, versionId } = reference;
  const body = JSON.stringify(
    service === 'ssm'
      ? { Name: id, WithDecryption: true }
      : { SecretId: id, VersionStage: versionStage, VersionId: versionId },
  );
  const { host, pathname: path } = new URL(url);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': CALLS[service].target };
  const signed = sign({ host, path, service, region, headers, body }, credentials, nowMs);
  return { method: 'POST', url, headers: signed, body };
}

function read(reference: Reference, { status, text }: HttpAnswer): FetchedSecret {
  const answer = parseObject(text);
  if (status !== 200) return { trouble: refusal(reference, status, answer) };
  const value = reference.service === 'ssm' ? parseNested(answer['Parameter'])['Value'] : answer['SecretString'];
  if (typeof value !== 'string') return { trouble: { kind: 'not_text' } };
  const found: FetchedSecret = reference.service === 'ssm' ? { value } : pick(value, reference.jsonKey);
  return 'value' in found && found.value.trim() === '' ? { trouble: { kind: 'empty' } } : found;
}

/** A secret that is a JSON object holds several values; the reference must name one. */
function pick(secret: string, jsonKey: string | undefined): FetchedSecret {
  const fields = secret.trimStart().startsWith('{') ? parseObject(secret) : undefined;
  if (jsonKey === undefined && (fields === undefined || Object.keys(fields).length === 0)) return { value: secret };
  const value = jsonKey === undefined ? undefined : fields?.[jsonKey];
  if (typeof value === 'string' || typeof value === 'number') return { value: String(value) };
  return { trouble: { kind: 'no_key', key: jsonKey, keys: Object.keys(fields ?? {}) } };
}

/** AWS's names for the policies that can deny access, besides that of the role. */
const DENIERS = [
  ...['VPC endpoint policy', 'resource-based policy', 'service control policy', 'resource control policy'],
  ...['permissions boundary', 'session policy'],
];

function refusal({ service }: Reference, status: number, answer: Readonly<Record<string, unknown>>): SecretTrouble {
  const code = codeOf(answer);
  const message = String(answer['message'] ?? answer['Message'] ?? '');
  if (/Throttl|TooManyRequests|RequestLimit/.test(code) || status === 429) return { kind: 'throttled' };
  if (/AccessDenied|NotAuthorized/.test(code)) {
    const isKey = /kms\b|customer master key/i.test(message) && !message.includes(CALLS[service].permission);
    const permission = isKey ? 'kms:Decrypt' : CALLS[service].permission;
    return { kind: 'denied', permission, by: DENIERS.find((denier) => message.includes(denier)) };
  }
  if (code === 'DecryptionFailure' || code === 'InvalidKeyId') return { kind: 'denied', permission: 'kms:Decrypt' };
  if (/NotFound/.test(code)) return { kind: 'missing' };
  return { kind: status >= 500 ? 'failed' : 'refused', status, code };
}

function parseNested(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * The type of an error may have a namespace before it and a URL behind it:
 * `com.amazonaws.ssm#ParameterNotFound:http://...`.
 */
function codeOf(answer: Readonly<Record<string, unknown>>): string {
  const type = String(answer['__type'] ?? answer['code'] ?? '');
  return /([A-Za-z]{1,80})(?::.*)?$/s.exec(type.slice(0, 300))?.[1] ?? '';
}
