// Makes certificates for tests: expired, for another name, of an authority that nobody knows. Written in DER by hand, as Node.js cannot make any.
// https://www.rfc-editor.org/rfc/rfc5280#section-4

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What `node:tls` takes, and what is needed to sign others. */
export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** Of the subject. */
  readonly name: string;
  /** DNS names and IPv4 addresses that it is for; an authority has none. */
  readonly hosts?: readonly string[];
  /** Who signs it; itself if nobody does. */
  readonly issuer?: Certificate;
  /** From a day ago, unless told otherwise. */
  readonly notBefore?: Date;
  /** For a day, unless told otherwise. */
  readonly notAfter?: Date;
}

const DAY_MS = 24 * 3_600_000;

export function createCertificate(options: CertificateOptions): Certificate {
  const { name, hosts = [], issuer, notBefore = fromNow(-DAY_MS), notAfter = fromNow(DAY_MS) } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const extensions = [
    extension('2.5.29.19', hosts.length === 0 ? sequence(tagged(0x01, Buffer.of(0xff))) : sequence()),
    ...(hosts.length === 0 ? [] : [extension('2.5.29.17', sequence(...hosts.map(hostName)))]),
  ];
  const content = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer?.name ?? name),
    sequence(utcTime(notBefore), utcTime(notAfter)),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, issuer?.privateKey ?? privateKey);
  const der = sequence(content, algorithm, tagged(0x03, Buffer.of(0), signature));
  const base64 = der.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
    privateKey,
  };
}

const fromNow = (ms: number) => new Date(Date.now() + ms);

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

const sequence = (...parts: readonly Buffer[]) => tagged(0x30, ...parts);

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const digits = rest.flatMap((arc) => {
    const bytes = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  });
  return tagged(0x06, Buffer.of(first * 40 + second, ...digits));
}

const distinguishedName = (name: string) =>
  sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(name)))));

const utcTime = (date: Date) =>
  tagged(0x17, Buffer.from(`${date.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`));

const extension = (id: string, value: Buffer) => sequence(oid(id), tagged(0x04, value));

function hostName(host: string): Buffer {
  return /^[\d.]+$/.test(host)
    ? tagged(0x87, Buffer.from(host.split('.').map(Number)))
    : tagged(0x82, Buffer.from(host));
}
