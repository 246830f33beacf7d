// What the fake Loki holds: one list of entries, in the order of arrival, and one identity per entry.
// Identity as in Loki: stream, nanosecond, line and the set of structured metadata. A second entry of the same
// identity is counted as a duplicate and not stored again.

import { type LabelSet, labelSet, parseLabels } from './labels.ts';
import { checkEntry, checkLabels, isoNanoseconds, type LokiLimits, nanoseconds, normalizeMetadata } from './limits.ts';
import type { WireEntry, WireStream } from './push-request.ts';

/** One stored log entry. */
export interface StoredEntry {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampNs: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Index of the push that brought it, counted from 0. */
  readonly requestIndex: number;
  /** Canonical label text: the identity of the stream. */
  readonly stream: string;
}

/** What Loki answers to a push that it could decode. */
export interface Verdict {
  readonly status: number;
  readonly body: string;
}

/** What a push is judged by, besides its contents. */
export interface PushContext {
  /** Uncompressed bytes of the request. */
  readonly rawBytes: number;
  readonly requestIndex: number;
  readonly limits: LokiLimits;
  /** The server's clock, epoch milliseconds. */
  readonly nowMs: number;
}

interface PreparedStream {
  readonly set: LabelSet;
  readonly entries: readonly { readonly entry: WireEntry; readonly metadata: Readonly<Record<string, string>> }[];
}

interface Stream {
  newestNs: bigint;
  readonly identities: Set<string>;
}

const serviceNameSources = [
  ...['service', 'app', 'application', 'app_name', 'name', 'app_kubernetes_io_name', 'container', 'container_name'],
  ...['k8s_container_name', 'component', 'workload', 'job', 'k8s_job_name'],
];

/** Invariant: every element of `entries` has its identity, and no other element has the same one. */
export class LokiStore {
  readonly entries: StoredEntry[] = [];
  duplicates = 0;
  readonly #streams = new Map<string, Stream>();

  /** Checks and stores one push; what Loki would keep is kept, whatever the verdict. */
  push(streams: readonly WireStream[], context: PushContext): Verdict {
    if (streams.length === 0) return { status: 422, body: 'error at least one valid stream is required for ingestion' };
    const prepared: PreparedStream[] = [];
    for (const stream of streams) {
      const ready = prepare(stream);
      if ('status' in ready) return ready;
      prepared.push(ready);
    }
    const { maxMessageBytes } = context.limits;
    if (context.rawBytes > maxMessageBytes) {
      const message = `grpc: received message larger than max (${context.rawBytes} vs. ${maxMessageBytes})`;
      return { status: 500, body: `rpc error: code = ResourceExhausted desc = ${message}` };
    }
    const refused: string[] = [];
    let behind: string | undefined;
    for (const stream of prepared) {
      const fault = checkLabels(stream.set, context.limits);
      // One variable for all streams, overwritten by each: only the last stream's refusal is told, as in an ingester.
      if (fault === undefined) behind = this.#append(stream, context, refused);
      else refused.push(fault);
    }
    if (behind !== undefined) return { status: 400, body: behind };
    return refused.length === 0 ? { status: 204, body: '' } : { status: 400, body: joinErrors(refused) };
  }

  /** Lets go of all entries, and of what would make a duplicate. */
  forget(): void {
    this.entries.length = 0;
    for (const { identities } of this.#streams.values()) identities.clear();
  }

  /** Stores the good entries of one stream; refusals of single entries go to `refused`, late ones are returned. */
  #append(stream: PreparedStream, context: PushContext, refused: string[]): string | undefined {
    const { canonical } = stream.set;
    const { limits, nowMs } = context;
    const state = this.#streams.get(canonical) ?? { newestNs: -(2n ** 63n), identities: new Set<string>() };
    const late: string[] = [];
    for (const { entry, metadata } of stream.entries) {
      const timestampNs = entry.seconds * 1_000_000_000n + BigInt(entry.nanos);
      const fault = checkEntry(entry, timestampNs, canonical, limits, nowMs);
      if (fault !== undefined) {
        refused.push(fault);
        continue;
      }
      if (limits.maxBehindMs !== undefined && timestampNs < state.newestNs - nanoseconds(limits.maxBehindMs)) {
        late.push(tooFarBehind(timestampNs, state.newestNs - nanoseconds(limits.maxBehindMs)));
        continue;
      }
      this.#streams.set(canonical, state);
      if (timestampNs > state.newestNs) state.newestNs = timestampNs;
      const identity = `${timestampNs} ${JSON.stringify(metadata)} ${entry.line}`;
      if (state.identities.has(identity)) {
        this.duplicates++;
        continue;
      }
      state.identities.add(identity);
      const { labels } = stream.set;
      const { requestIndex } = context;
      this.entries.push({ labels, timestampNs, line: entry.line, metadata, requestIndex, stream: canonical });
    }
    if (late.length === 0) return undefined;
    const total = `total ignored: ${late.length} out of ${stream.entries.length} for stream: ${canonical}`;
    return `${late.slice(0, 10).join('\n')}\nuser 'fake', ${total}`;
  }
}

/** Labels and metadata of a stream as Loki reads them, or the answer that refuses the whole request. */
function prepare(stream: WireStream): PreparedStream | Verdict {
  const parsed = parseLabels(stream.labels);
  if ('problem' in parsed) return { status: 400, body: parsed.problem };
  const entries: PreparedStream['entries'][number][] = [];
  for (const entry of stream.entries) {
    const metadata = normalizeMetadata(entry.metadata);
    if ('problem' in metadata) return { status: 500, body: metadata.problem };
    entries.push({ entry, metadata: metadata.pairs });
  }
  return { set: withServiceName(parsed), entries };
}

function withServiceName(set: LabelSet): LabelSet {
  if (set.labels['service_name'] !== undefined) return set;
  const source = serviceNameSources.find((name) => set.labels[name] !== undefined) ?? '';
  const added: [string, string] = ['service_name', set.labels[source] ?? 'unknown_service'];
  return { ...labelSet([...set.pairs, added]), ...(set.duplicate === undefined ? {} : { duplicate: set.duplicate }) };
}

function tooFarBehind(timestampNs: bigint, oldestNs: bigint): string {
  const time = isoNanoseconds(timestampNs);
  const oldest = isoNanoseconds(oldestNs);
  return `entry with timestamp ${time} ignored, reason: 'entry too far behind, entry timestamp is: ${time}, oldest acceptable timestamp is: ${oldest}',`;
}

/** Loki groups equal messages by count and joins the groups. */
function joinErrors(messages: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const message of messages) counts.set(message, (counts.get(message) ?? 0) + 1);
  if (messages.length === 1) return messages[0] ?? '';
  return [...counts].map(([message, count]) => `${count} errors like: ${message}`).join('; ');
}
