// Loki's checks of streams and entries, with its default limits and its wording.
// They come at three grains: the whole request is lost, one stream is lost, one entry is lost (the rest is kept).
// https://grafana.com/docs/loki/latest/configure/#limits_config

import type { WireEntry } from './push-request.ts';

export interface LokiLimits {
  readonly maxLineBytes: number;
  readonly maxLabelNames: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  readonly maxMetadataPairs: number;
  readonly maxMetadataBytes: number;
  /** Uncompressed bytes of one request; above it an ingester refuses the message. */
  readonly maxMessageBytes: number;
  readonly allowStructuredMetadata: boolean;
  /** Oldest age that is taken, measured from now; `undefined` switches the check off. */
  readonly maxAgeMs: number | undefined;
  /** How far ahead of now an entry may be; `undefined` switches the check off. */
  readonly maxAheadMs: number | undefined;
  /** How far behind the newest entry of its stream an entry may be; `undefined` switches the check off. */
  readonly maxBehindMs: number | undefined;
}

export const defaultLimits: LokiLimits = {
  maxLineBytes: 262_144,
  maxLabelNames: 15,
  maxLabelNameBytes: 1_024,
  maxLabelValueBytes: 2_048,
  maxMetadataPairs: 128,
  maxMetadataBytes: 65_536,
  maxMessageBytes: 4_194_304,
  allowStructuredMetadata: true,
  maxAgeMs: 7 * 24 * 3_600_000,
  maxAheadMs: 10 * 60_000,
  maxBehindMs: 3_600_000,
};

/** What is wrong with the label set, if anything: that stream is lost with 400, others are kept. */
export function checkLabels(
  set: { readonly labels: Readonly<Record<string, string>>; readonly canonical: string; readonly duplicate?: string },
  limits: LokiLimits,
): string | undefined {
  if (set.duplicate !== undefined) return `stream '${set.canonical}' has duplicate label name: '${set.duplicate}'`;
  const names = Object.keys(set.labels).filter((name) => name !== 'service_name');
  if (names.length > limits.maxLabelNames) {
    return `entry for stream '${set.canonical}' has ${names.length} label names; limit ${limits.maxLabelNames}`;
  }
  for (const [name, value] of Object.entries(set.labels)) {
    if (Buffer.byteLength(name) > limits.maxLabelNameBytes) {
      return `stream '${set.canonical}' has label name too long: '${name}'`;
    }
    if (Buffer.byteLength(value) > limits.maxLabelValueBytes) {
      return `stream '${set.canonical}' has label value too long: '${value}'`;
    }
  }
  return undefined;
}

/** What is wrong with the entry, if anything: that entry is lost with 400, others are kept. */
export function checkEntry(
  entry: WireEntry,
  timestampNs: bigint,
  stream: string,
  limits: LokiLimits,
  nowMs: number,
): string | undefined {
  const nowNs = BigInt(Math.floor(nowMs)) * 1_000_000n;
  const time = () => isoNanoseconds(timestampNs);
  if (limits.maxAgeMs !== undefined && timestampNs < nowNs - nanoseconds(limits.maxAgeMs)) {
    const oldest = isoNanoseconds(nowNs - nanoseconds(limits.maxAgeMs));
    return `entry for stream '${stream}' has timestamp too old: ${time()}, oldest acceptable timestamp is: ${oldest}`;
  }
  if (limits.maxAheadMs !== undefined && timestampNs > nowNs + nanoseconds(limits.maxAheadMs)) {
    return `entry for stream '${stream}' has timestamp too new: ${time()}`;
  }
  if (entry.lineBytes > limits.maxLineBytes) {
    return `max entry size '${limits.maxLineBytes}' bytes exceeded for stream '${stream}' while adding an entry with length '${entry.lineBytes}' bytes`;
  }
  return entry.metadata.length === 0 ? undefined : checkMetadata(entry, stream, limits);
}

function checkMetadata(entry: WireEntry, stream: string, limits: LokiLimits): string | undefined {
  if (!limits.allowStructuredMetadata) {
    return `stream '${stream}' includes structured metadata, but this feature is disallowed. Please see \`limits_config.allow_structured_metadata\` or contact your Loki administrator to enable it`;
  }
  if (entry.metadata.length > limits.maxMetadataPairs) {
    return `stream '${stream}' has too many structured metadata labels: '${entry.metadata.length}', limit: '${limits.maxMetadataPairs}'. Please see \`limits_config.max_structured_metadata_entries_count\` or contact your Loki administrator to increase it`;
  }
  const bytes = entry.metadata.reduce((sum, pair) => sum + Buffer.byteLength(pair[0]) + Buffer.byteLength(pair[1]), 0);
  if (bytes > limits.maxMetadataBytes) {
    return `stream '${stream}' has structured metadata too large: '${bytes}' bytes, limit: '${limits.maxMetadataBytes}' bytes. Please see \`limits_config.max_structured_metadata_size\` or contact your Loki administrator to increase it`;
  }
  return undefined;
}

export type NormalizedMetadata = { readonly pairs: Readonly<Record<string, string>> } | { readonly problem: string };

/** The metadata as Loki stores it; a name that cannot be cleaned up costs the whole request (500). */
export function normalizeMetadata(pairs: WireEntry['metadata']): NormalizedMetadata {
  const result = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (name === '') return { problem: 'label name is empty' };
    const clean = normalizeName(name);
    if (/^_+$/.test(clean)) {
      return { problem: `normalization for label name "${name}" resulted in invalid name "${clean}"` };
    }
    if (value !== '') result.set(clean, value.replaceAll('\uFFFD', ' '));
  }
  return { pairs: Object.fromEntries([...result].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function normalizeName(name: string): string {
  if (/^__[A-Za-z0-9_]*[A-Za-z0-9][A-Za-z0-9_]*__$/.test(name)) return name;
  const clean = name.replace(/[^A-Za-z0-9_]/gu, '_').replace(/_+/g, '_');
  return /^[0-9]/.test(clean) ? `key_${clean}` : clean;
}

/** Milliseconds as nanoseconds. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds)) * 1_000_000n;
}

/** A moment in nanoseconds as ISO 8601; the years before 1970 only roughly, they serve messages alone. */
export function isoNanoseconds(timestampNs: bigint): string {
  const milliseconds = Number(timestampNs / 1_000_000n);
  const fraction = String(((timestampNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, '0');
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(timestampNs) : date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}
