// From an HTTP body to streams, as Loki's push endpoint decodes it: the matrix of content types and encodings.
// Protobuf is always snappy block format; `gzip` and `deflate` may be wrapped around it; JSON is plain or compressed.

import { gunzipSync, inflateRawSync } from 'node:zlib';
import { decodePushRequest, type WireEntry, type WireStream } from './push-request.ts';
import { decodeSnappyBlock } from './snappy.ts';

export interface DecodedBody {
  readonly streams: readonly WireStream[];
  /** The uncompressed message: what Loki's 4 MiB limit counts. */
  readonly raw: Buffer;
}

/** Decodes a body, or gives the text of the 400 that Loki answers. */
export function decodeBody(
  contentType: string | undefined,
  contentEncoding: string | undefined,
  wire: Buffer,
): DecodedBody | { readonly problem: string } {
  const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === '') return { problem: 'mime: no media type' };
  const encoding = contentEncoding ?? '';
  if (!['', 'snappy', 'gzip', 'deflate'].includes(encoding)) {
    return { problem: `Content-Encoding "${encoding}" not supported` };
  }
  const unwrapped = unwrap(encoding, wire);
  if (unwrapped === undefined) return { problem: encoding === 'gzip' ? 'gzip: invalid header' : 'EOF' };
  if (mediaType === 'application/json') return decodeJson(unwrapped);
  const raw = decodeSnappyBlock(unwrapped);
  if (raw === undefined) return { problem: 'snappy: corrupt input' };
  const streams = decodePushRequest(raw);
  return 'problem' in streams ? streams : { streams, raw };
}

function unwrap(encoding: string, wire: Buffer): Buffer | undefined {
  if (encoding === '' || encoding === 'snappy') return wire;
  try {
    return encoding === 'gzip' ? gunzipSync(wire) : inflateRawSync(wire);
  } catch {
    return undefined;
  }
}

function decodeJson(raw: Buffer): DecodedBody | { readonly problem: string } {
  let body: unknown;
  try {
    body = JSON.parse(raw.toString('utf8'));
  } catch (error) {
    return { problem: `couldn't parse push request: ${error instanceof Error ? error.message : 'not JSON'}` };
  }
  const streams: WireStream[] = [];
  for (const stream of asArray(member(body, 'streams'))) {
    const labels = Object.entries(asObject(member(stream, 'stream')));
    const entries = asArray(member(stream, 'values')).map(jsonEntry);
    if (entries.includes(undefined)) return { problem: "couldn't parse push request: malformed value" };
    streams.push({
      labels: `{${labels.map(([name, value]) => `${name}=${JSON.stringify(String(value))}`).join(', ')}}`,
      entries: entries.filter((entry) => entry !== undefined),
    });
  }
  return { streams, raw };
}

function jsonEntry(value: unknown): WireEntry | undefined {
  const [time, line = '', metadata = {}] = asArray(value);
  if (typeof time !== 'string' || !/^-?\d+$/.test(time) || typeof line !== 'string') return undefined;
  const pairs = Object.entries(asObject(metadata));
  if (Array.isArray(metadata) || pairs.some(([, text]) => typeof text !== 'string')) return undefined;
  const nanoseconds = BigInt(time);
  const nanos = Number(((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
  return {
    seconds: (nanoseconds - BigInt(nanos)) / 1_000_000_000n,
    nanos,
    line,
    lineBytes: Buffer.byteLength(line),
    metadata: pairs.map(([name, text]) => [name, String(text)]),
  };
}

function member(value: unknown, name: string): unknown {
  return asObject(value)[name];
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
