// Fetches one secret: one signed POST, and what its answer means. Total: whatever the service says becomes a value or a trouble.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
import type { OnTheWay, SecretTrouble } from '../symptoms.ts';
import type { EpochMs } from '../time.ts';
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
}

/** Sends a request. Rejects with an UnreachableError when no answer came. */
export type SendHttp = (request: HttpRequest) => Promise<HttpAnswer>;

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
  nowMs: EpochMs,
): Promise<FetchedSecret> {
  const url = `${serviceUrl(reference, env)}/`;
  try {
    return read(reference, await send(toRequest(url, reference, credentials, nowMs)));
  } catch (error) {
    return { trouble: { kind: 'unreachable', url, way: wayOf(error) } };
  }
}

/** Anything else than what `SendHttp` promises is a bug of ours, or a URL that is none. */
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
  return reference.service === 'ssm' ? { value } : pick(value, reference.jsonKey);
}

/** A secret that is a JSON object is a set of values, of which the reference must name one. */
function pick(secret: string, jsonKey: string | undefined): FetchedSecret {
  const fields = secret.trimStart().startsWith('{') ? parseObject(secret) : undefined;
  if (jsonKey === undefined && (fields === undefined || Object.keys(fields).length === 0)) return { value: secret };
  const value = jsonKey === undefined ? undefined : fields?.[jsonKey];
  if (typeof value === 'string' || typeof value === 'number') return { value: String(value) };
  return { trouble: { kind: 'no_key', key: jsonKey, keys: Object.keys(fields ?? {}) } };
}

/** The type of an error may have a namespace before it and a URL behind it: `com.amazonaws.ssm#ParameterNotFound:http://...`. */
function refusal({ service }: Reference, status: number, answer: Readonly<Record<string, unknown>>): SecretTrouble {
  const type = String(answer['__type'] ?? answer['code'] ?? '');
  const code = /([A-Za-z]{1,80})(?::.*)?$/s.exec(type.slice(0, 300))?.[1] ?? '';
  const message = String(answer['message'] ?? answer['Message'] ?? '');
  if (/Throttl|TooManyRequests|RequestLimit/.test(code) || status === 429) return { kind: 'throttled' };
  if (/AccessDenied|NotAuthorized/.test(code)) {
    const isKey = /\bkms\b/i.test(message.slice(0, 2_000)) && !message.includes(CALLS[service].permission);
    return { kind: 'denied', permission: isKey ? 'kms:Decrypt' : CALLS[service].permission };
  }
  if (code === 'DecryptionFailure' || code === 'InvalidKeyId') return { kind: 'denied', permission: 'kms:Decrypt' };
  if (/NotFound/.test(code)) return { kind: 'missing' };
  return { kind: status >= 500 ? 'failed' : 'refused', status, code };
}

function parseNested(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
