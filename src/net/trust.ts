// Whom we trust over TLS, and which certificate we present: the settings LOKI_TLS_*. They are read and checked before
// the first connection, so a wrong one is reported in words and not as a failed handshake.
import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { isPath } from '../config/file-path.ts';
import type { TlsSettings } from '../config/route.ts';
import type { EpochMs } from '../time.ts';

/** What a connection needs to know. */
export interface Trust {
  /** Undefined: Node's own. */
  readonly context: SecureContext | undefined;
  readonly serverName?: string | undefined;
  readonly skipVerify?: boolean | undefined;
}

export interface Trusts {
  readonly loki: Trust;
  /** For proxies and AWS: the same authorities, and nothing else. */
  readonly others: Trust;
}

type Note = (variable: string, message: string) => void;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** @param note is told of each setting that cannot be used */
export function readTrusts(
  { ca, cert, key, serverName, skipVerify }: TlsSettings,
  note: Note,
  nowMs: EpochMs = Date.now(),
): Trusts {
  const tls = process.getBuiltinModule('node:tls');
  const authorities = ca === undefined ? [] : readAuthorities(ca, note);
  const all = authorities.length === 0 ? {} : { ca: [...tls.getCACertificates('default'), ...authorities] };
  const own = readOwn(cert, key, note, nowMs);
  const common = authorities.length === 0 ? undefined : tls.createSecureContext(all);
  return {
    loki: { context: own ? tls.createSecureContext({ ...all, ...own }) : common, serverName, skipVerify },
    others: { context: common },
  };
}

function readAuthorities(ca: string, note: Note): string[] {
  const name = 'LOKI_TLS_CA';
  const text = readPem(name, ca, 'the built-in authorities alone are trusted', note);
  if (text === undefined) return [];
  const blocks = blocksOf(text, 'CERTIFICATE');
  const good = blocks.filter(isCertificate);
  if (good.length === 0)
    note(name, 'holds no certificate that can be read; the built-in authorities alone are trusted');
  else if (good.length < blocks.length) note(name, 'holds certificates that cannot be read; they are left out');
  return good;
}

/** Our client certificate, with its key. */
function readOwn(
  cert: string | undefined,
  key: string | undefined,
  note: Note,
  nowMs: EpochMs,
): { cert: string; key: string } | undefined {
  const otherwise = 'no client certificate is sent';
  if (cert === undefined) {
    if (key !== undefined) note('LOKI_TLS_KEY', `is set without LOKI_TLS_CERT; ${otherwise}`);
    return undefined;
  }
  const certText = readPem('LOKI_TLS_CERT', cert, otherwise, note);
  const keyText = key === undefined ? certText : readPem('LOKI_TLS_KEY', key, otherwise, note);
  if (certText === undefined || keyText === undefined) return undefined;
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule('node:crypto');
  const certificates = blocksOf(certText, 'CERTIFICATE');
  const [first] = certificates;
  if (first === undefined || !certificates.every(isCertificate)) {
    note('LOKI_TLS_CERT', `holds no certificate that can be read; ${otherwise}`);
    return undefined;
  }
  const keyName = key === undefined ? 'LOKI_TLS_CERT' : 'LOKI_TLS_KEY';
  const [ownKey] = blocksOf(keyText, 'PRIVATE KEY');
  if (ownKey === undefined) {
    note(
      keyName,
      key === undefined ? `holds no key, and LOKI_TLS_KEY is not set; ${otherwise}` : `holds no key; ${otherwise}`,
    );
    return undefined;
  }
  if (/ENCRYPTED/.test(ownKey)) {
    note(keyName, `holds a key that is encrypted, and there is no setting for its passphrase; ${otherwise}`);
    return undefined;
  }
  try {
    const certificate = new X509Certificate(first);
    if (certificate.checkPrivateKey(createPrivateKey(ownKey))) {
      const end = certificate.validToDate;
      if (end.getTime() < nowMs) note('LOKI_TLS_CERT', `has expired, on ${end.toISOString().slice(0, 10)}`);
      return { cert: certificates.join('\n'), key: ownKey };
    }
    note(keyName, `holds a key that is not that of the certificate; ${otherwise}`);
  } catch {
    note(keyName, `holds a key that cannot be read; ${otherwise}`);
  }
  return undefined;
}

/**
 * PEM text, its base64 form, or the path of such a file. Variables often cannot hold line breaks and spell them `\n`.
 */
function readPem(name: string, value: string, otherwise: string, note: Note): string | undefined {
  if (value.includes('-----BEGIN')) return repaired(value);
  // Some tools pass multi-line values on as base64.
  const encoded = /^[\w+/=\s]+$/.test(value) ? Buffer.from(value, 'base64').toString() : '';
  if (encoded.includes('-----BEGIN')) return repaired(encoded);
  if (!isPath(value)) {
    note(name, `is neither PEM text nor the absolute path of a file; ${otherwise}`);
    return undefined;
  }
  try {
    const text = readFileSync(value, 'utf8');
    if (text.includes('-----BEGIN')) return repaired(text);
    note(name, `names a file that is not PEM; ${otherwise}`);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    const what = FILE_TROUBLES[code] ?? `a file that cannot be read (${code})`;
    note(name, `names ${what}; ${otherwise}`);
  }
  return undefined;
}

const FILE_TROUBLES: Readonly<Record<string, string>> = { ENOENT: 'a file that is not there', EISDIR: 'a folder' };

/** Restores line breaks that variables and templates have spelled out or turned into spaces. */
function repaired(text: string): string {
  return text
    .replaceAll('\\r', '')
    .replaceAll('\\n', '\n')
    .replaceAll(BLOCK, (block, label: string) => {
      const begin = `-----BEGIN ${label}-----`;
      const end = `-----END ${label}-----`;
      const body = block.slice(begin.length, -end.length);
      return body.includes(':') ? block : `${begin}\n${body.trim().replaceAll(/\s+/g, '\n')}\n${end}`;
    });
}

function blocksOf(text: string, kind: string): string[] {
  return [...text.matchAll(BLOCK)].filter(([, label]) => label?.endsWith(kind)).map(([block]) => `${block}\n`);
}

function isCertificate(block: string): boolean {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    return new X509Certificate(block).raw.length > 0;
  } catch {
    return false;
  }
}
