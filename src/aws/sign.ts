// Signs a POST to an AWS service (Signature Version 4), as far as reading a secret needs it: the path is `/`, and there
// is no query. Written by hand because libraries sign with the web's Headers and SubtleCrypto: their first use costs 40
// ms of CPU and 5 MB here, this 1 ms.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import type { EpochMs } from '../time.ts';
import type { Credentials } from './service.ts';

export interface ToSign {
  readonly host: string;
  readonly path: string;
  readonly service: string;
  readonly region: string;
  /** Names in lower case; in alphabetical order once `host` and the headers of the signature are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @returns all headers of the signed request except `host` */
export function sign(request: ToSign, credentials: Credentials, nowMs: EpochMs): Record<string, string> {
  const { createHash, createHmac } = process.getBuiltinModule('node:crypto');
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const { host, path, service, region, body } = request;
  const time = new Date(nowMs).toISOString().replaceAll(/[:-]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-date': time,
    ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const signed = Object.entries({ ...headers, host }).sort(([one], [other]) => (one < other ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const lines = signed.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`);
  const canonical = ['POST', path, '', lines.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex');
  const credential = `${credentials.accessKeyId}/${scope}`;
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return headers;
}
