// Secrets Manager and SSM as far as reading one value goes. Verifies the signature of each request by its own reading of the specification:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Conditions } from './conditions.ts';

export interface AwsCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AwsAnswer {
  readonly status: number;
  readonly text: string;
  /** The time of the service. */
  readonly dateMs?: number;
}

export interface FakeAwsOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The time of the service: a signature may be five minutes off it. */
  readonly now?: () => number;
  /** Values by the id that is asked for; a function is asked anew each time. */
  readonly values: Readonly<Record<string, string | (() => string | AwsAnswer)>>;
}

export interface FakeAws {
  /** Resolves when so many requests have come. */
  waitFor(count: number): Promise<boolean>;
  answer(call: AwsCall): AwsAnswer;
  /** What was asked for, in order. */
  readonly asked: {
    readonly target: string;
    readonly region: string;
    readonly body: Readonly<Record<string, unknown>>;
  }[];
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const error = (status: number, type: string, message = ''): AwsAnswer => ({
  status,
  text: JSON.stringify({ __type: type, message }),
});

export function createFakeAws(options: FakeAwsOptions): FakeAws {
  const asked: FakeAws['asked'] = [];
  const conditions = new Conditions();
  return {
    waitFor: (count) => conditions.until(() => asked.length >= count, 10_000),
    asked,
    answer(call) {
      const scope = verify(call, options);
      if (typeof scope === 'string') {
        const refusal = error(400, 'com.amazon.coral.service#InvalidSignatureException', scope);
        return { ...refusal, dateMs: (options.now ?? Date.now)() };
      }
      const target = call.headers['x-amz-target'] ?? '';
      const body = JSON.parse(call.body) as Record<string, unknown>;
      asked.push({ target, region: scope.region, body });
      conditions.changed();
      const isParameter = target === 'AmazonSSM.GetParameter';
      if (!isParameter && target !== 'secretsmanager.GetSecretValue') return error(400, 'UnknownOperationException');
      if (scope.service !== (isParameter ? 'ssm' : 'secretsmanager')) return error(400, 'SignatureDoesNotMatch');
      const value = options.values[String(isParameter ? body['Name'] : body['SecretId'])];
      const found = typeof value === 'function' ? value() : value;
      if (found === undefined) {
        return isParameter ? error(400, 'ParameterNotFound') : error(400, 'ResourceNotFoundException', "can't find it");
      }
      if (typeof found !== 'string') return found;
      if (isParameter && body['WithDecryption'] !== true) return error(400, 'ValidationException', 'still encrypted');
      const answer = isParameter ? { Parameter: { Value: found, Type: 'SecureString' } } : { SecretString: found };
      return { status: 200, text: JSON.stringify(answer) };
    },
  };
}

/** The same behind a socket of the loopback. @param delayMs how long it takes for each answer */
export async function startFakeAws(
  options: FakeAwsOptions,
  delayMs = 0,
): Promise<FakeAws & { url: string; close(): Promise<void> }> {
  const aws = createFakeAws(options);
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { status, text } = aws.answer({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
      body: Buffer.concat(pieces).toString(),
    });
    const answer = () => response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
    setTimeout(answer, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...aws,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const MAX_SKEW_MS = 5 * 60_000;

/** Of `20260105T100000Z`. */
function timeOf(time: string): number {
  return Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

/** @returns what the signature is good for, or what is wrong with it */
function verify(call: AwsCall, options: FakeAwsOptions): { region: string; service: string } | string {
  const { headers } = call;
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers['authorization'] ?? '',
  );
  if (parts === null) return 'no Authorization of that kind';
  const [, credential = '', signedHeaders = '', signature] = parts;
  const [accessKeyId, day = '', region = '', service = '', end] = credential.split('/');
  const time = headers['x-amz-date'] ?? '';
  if (accessKeyId !== options.accessKeyId) return 'an unknown access key';
  if (end !== 'aws4_request' || !/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(day)) return 'a wrong date or scope';
  if (Math.abs(timeOf(time) - (options.now ?? Date.now)()) > MAX_SKEW_MS)
    return 'Signature expired, or not yet current';
  if (headers['x-amz-security-token'] !== options.sessionToken) return 'a wrong session token';
  const signed = signedHeaders.split(';');
  if (
    !signed.includes('host') ||
    !Object.keys(headers).every((name) => !name.startsWith('x-amz-') || signed.includes(name))
  ) {
    return 'a header is not signed';
  }
  const canonicalHeaders = signed
    .map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
    .join('');
  const request = [call.method, call.path, '', canonicalHeaders, signedHeaders, sha256(call.body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n');
  const key = ['aws4_request', service, region, day].reduceRight<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${options.secretAccessKey}`,
  );
  return hmac(key, toSign).toString('hex') === signature ? { region, service } : 'a wrong signature';
}
