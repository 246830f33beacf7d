// Builders for what the platform sends and for what goes to Loki: each gives a valid value, and a test says only what matters to it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { toByteString } from '../../src/byte-string.ts';
import type { Config } from '../../src/config/config.ts';
import type { Entry } from '../../src/loki/batch.ts';
import { encodeMetadata } from '../../src/loki/encode.ts';
import type { EpochMs } from '../../src/time.ts';
import { START_MS } from './fake-clock.ts';
import { decodePushRequest, type WireEntry } from './loki/push-request.ts';
import { decodeSnappyBlock } from './loki/snappy.ts';

export interface PlatformRecord {
  readonly time: string;
  readonly type: string;
  readonly record: unknown;
}

export const isoTime = (ms: EpochMs) => new Date(ms).toISOString();

export function functionRecord(line: string, ms: EpochMs = START_MS): PlatformRecord {
  return { time: isoTime(ms), type: 'function', record: `${line}\n` };
}

export function platformRecord(event: string, record: unknown, ms: EpochMs = START_MS): PlatformRecord {
  return { time: isoTime(ms), type: `platform.${event}`, record };
}

/** One body as the platform posts it. */
export function bodyOf(...records: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(records));
}

/** Reads a file of `test/fixtures`. */
export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));
}

/** The defaults of every setting, and an endpoint that nobody connects to. */
export function testConfig(changes: Partial<Config> = {}): Config {
  return {
    endpoint: {
      url: 'http://127.0.0.1:3100/loki/api/v1/push',
      authorization: undefined,
      tenantId: undefined,
      headers: {},
    },
    labels: {},
    serviceName: undefined,
    structuredMetadata: true,
    enabled: true,
    api: 'auto',
    port: 1234,
    logLevel: 'warn',
    secrets: [],
    logTypes: ['platform', 'function'],
    filters: undefined,
    batchMaxBytes: 1_048_576,
    batchMaxWaitMs: 1_000,
    bufferMaxBytes: 16 * 1_048_576,
    maxLineBytes: 262_144,
    flushStrategy: 'adaptive',
    flushTimeoutMs: 2_000,
    pushTimeoutMs: 5_000,
    retryMinBackoffMs: 100,
    retryMaxBackoffMs: 10_000,
    memoryBytes: undefined,
    region: 'eu-central-1',
    functionName: 'orders-api',
    functionVersion: '$LATEST',
    initializationType: 'on-demand',
    ...changes,
  };
}

export function entryOf(line: string, changes: Partial<Omit<Entry, 'line'>> = {}): Entry {
  return { line: toByteString(line), metadata: Buffer.alloc(0), isError: false, ...changes };
}

export function metadataOf(pairs: Readonly<Record<string, string>>): Buffer {
  return encodeMetadata(pairs);
}

export interface DecodedPush {
  readonly labels: string;
  readonly entries: readonly WireEntry[];
  readonly lines: readonly string[];
  /** Bytes before compression. */
  readonly requestBytes: number;
}

/** Decodes a request's body with the readers of the fake Loki, which share nothing with `src/`. Fails unless it is one valid stream. */
export function decodePush(body: Uint8Array): DecodedPush {
  const raw = decodeSnappyBlock(body);
  assert.ok(raw, 'the body is no snappy block');
  const streams = decodePushRequest(raw);
  assert.ok(!('problem' in streams), 'the body is no push request');
  assert.equal(streams.length, 1, 'a request holds one stream');
  const { labels, entries } = at(streams, 0);
  return { labels, entries, lines: entries.map(({ line }) => line), requestBytes: raw.length };
}

export function nanosecondsOf({ seconds, nanos }: WireEntry): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

/** The element at a place that must exist. Negative places count from the end. */
export function at<T>(list: readonly T[], place: number): T {
  const index = place < 0 ? list.length + place : place;
  assert.ok(index >= 0 && index < list.length, `there is no element ${place} among ${list.length}`);
  return list[index] as T;
}

/** Random numbers from 0 to 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Text that does not compress, the same for the same seed. */
export function noise(characters: number, seed: number): string {
  const random = seededRandom(seed);
  return Array.from({ length: characters }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('');
}
