// Record -> entries. An entry is one line as Loki stores it: timestamp, text and structured metadata. Decides which
// parts of a record are sent, splits long lines, attaches the metadata, and accounts for every entry.
import { type ByteString, toByteString } from './byte-string.ts';
import type { Config } from './config/config.ts';
import type { FieldValues } from './filters/fields.ts';
import type { Ruling } from './filters/filters.ts';
import type { LogType } from './lambda/subscription.ts';
import type { Backlog } from './loki/backlog.ts';
import type { Entry } from './loki/batch.ts';
import { encodeMetadata } from './loki/encode.ts';
import { splitLine } from './loki/long-line.ts';
import type { Ledger } from './losses.ts';
import type { Invocation, Invocations } from './records/invocations.ts';
import type { Level } from './records/line-level.ts';
import type { LogRecord } from './records/record.ts';
import type { EpochMs, Instant } from './time.ts';

export interface EntryParts {
  readonly config: Pick<Config, 'logTypes' | 'maxLineBytes' | 'structuredMetadata'>;
  readonly functionVersion: string | undefined;
  /** Whether the sandbox runs several invocations at once. */
  readonly concurrent: boolean;
  readonly invocations: Pick<Invocations, 'observe' | 'invocationOf'>;
  readonly backlog: Pick<Backlog, 'add'>;
  readonly ledger: Pick<Ledger, 'received' | 'filtered' | 'withheld' | 'dropped' | 'droppedByPlatform'>;
  readonly isOwnLine: (line: string) => boolean;
  /** Whether Loki accepts structured metadata, as far as we know. */
  readonly takesMetadata: () => boolean;
}

export interface Entries {
  /** Sets the sandbox's id, which becomes metadata of every entry made from now on. */
  begin(instanceId: string): void;
  /**
   * Takes a record, in order of receipt.
   * @param ruling the verdict of the user's filters, if there are any
   */
  take(record: LogRecord, nowMs: EpochMs, ruling?: Ruling): void;
  /** Makes an entry for a message of the extension itself. The ledger does not count it. */
  ownEntry(text: string, level: Level): Entry;
}

/**
 * How many invocations keep their encoded metadata. Usually the lines of only a few invocations interleave; on Managed
 * Instances those of a hundred or more do. With too small a cache the metadata is encoded anew for each line (45 ms of
 * CPU per MB became 108).
 */
const SHARED_INVOCATIONS = 4;
const SHARED_CONCURRENT_INVOCATIONS = 1024;
const NO_METADATA = Buffer.alloc(0);

/** The lines of one invocation differ only in their level. */
interface SharedMetadata extends Omit<Invocation, 'requestId'> {
  readonly byLevel: Map<Level | undefined, Buffer>;
}

export function createEntries(parts: EntryParts): Entries {
  const { config, ledger, invocations, backlog } = parts;
  const logTypes = new Set<LogType>(config.logTypes);
  const sharedMetadata = new Map<string | undefined, SharedMetadata>();
  const maxShared = parts.concurrent ? SHARED_CONCURRENT_INVOCATIONS : SHARED_INVOCATIONS;
  let instanceId: string | undefined;

  function hold(
    record: LogRecord,
    stated: Instant,
    line: ByteString,
    part: string | undefined,
    nowMs: EpochMs,
    fields: FieldValues | undefined,
  ): void {
    const isError = record.level === 'error' || record.level === 'fatal';
    const shared = metadataOf(record, part);
    // Encoded pairs can be concatenated.
    const metadata = fields && shared.length > 0 ? Buffer.concat([shared, encodeMetadata(fields)]) : shared;
    backlog.add(record.type, stated, { line, metadata, isError }, nowMs);
    ledger.received(1);
  }

  function metadataOf(record: LogRecord, part: string | undefined): Buffer {
    if (!config.structuredMetadata || !parts.takesMetadata()) return NO_METADATA;
    const invocation = invocations.invocationOf(record);
    if (record.event !== undefined || part !== undefined) return encode(record, invocation, part);
    const { byLevel } = sharedBy(invocation);
    let metadata = byLevel.get(record.level);
    if (!metadata) {
      metadata = encode(record, invocation, undefined);
      byLevel.set(record.level, metadata);
    }
    return metadata;
  }

  function sharedBy(invocation: Invocation | undefined): SharedMetadata {
    const found = sharedMetadata.get(invocation?.requestId);
    if (
      found !== undefined &&
      found.traceId === invocation?.traceId &&
      found.tenantId === invocation?.tenantId &&
      found.alias === invocation?.alias
    ) {
      return found;
    }
    if (sharedMetadata.size >= maxShared) {
      const [oldest] = sharedMetadata.keys();
      sharedMetadata.delete(oldest);
    }
    const { requestId, traceId, alias, tenantId } = invocation ?? NO_INVOCATION;
    const shared = { traceId, alias, tenantId, byLevel: new Map() };
    sharedMetadata.set(requestId, shared);
    return shared;
  }

  function encode(
    { level, event, traceId, tenantId }: LogRecord,
    invocation: Invocation | undefined,
    part: string | undefined,
  ): Buffer {
    return encodeMetadata({
      request_id: invocation?.requestId,
      trace_id: traceId ?? invocation?.traceId,
      level,
      function_version: parts.functionVersion,
      alias: invocation?.alias,
      tenant_id: tenantId ?? invocation?.tenantId,
      event,
      instance: instanceId,
      part,
    });
  }

  return {
    begin(id) {
      instanceId = id;
      sharedMetadata.clear();
    },
    take(original, nowMs, ruling) {
      const record = ruling?.record ?? original;
      invocations.observe(record);
      if (record.platformDrops) ledger.droppedByPlatform(record.platformDrops.records, record.platformDrops.bytes);
      if (!logTypes.has(record.type)) return;
      if (record.type === 'extension' && parts.isOwnLine(original.line)) return;
      if (record.line === '') {
        ledger.received(1);
        ledger.dropped('empty_line', 1);
        return;
      }
      if (ruling?.filteredBy !== undefined) {
        ledger.received(1);
        ledger.filtered(ruling.filteredBy, 1);
        return;
      }
      if (ruling?.isWithheld) ledger.withheld(1);
      const fields = ruling?.fields;
      const stated = record.time ?? { ms: nowMs, nanos: 0 };
      const lineParts = splitLine(record.line, config.maxLineBytes);
      if (!lineParts) {
        hold(record, stated, record.line, undefined, nowMs, fields);
        return;
      }
      for (const [index, line] of lineParts.entries()) {
        hold(record, stated, line, `${index + 1}/${lineParts.length}`, nowMs, fields);
      }
    },
    ownEntry(text, level) {
      const line = toByteString(text);
      return { line, metadata: metadataOf({ ...NO_RECORD, line, level }, undefined), isError: false };
    },
  };
}

const NO_INVOCATION = { requestId: undefined, traceId: undefined, alias: undefined, tenantId: undefined };

const NO_RECORD = {
  type: 'extension',
  event: undefined,
  time: undefined,
  requestId: undefined,
  mentionedId: undefined,
  traceId: undefined,
  alias: undefined,
  tenantId: undefined,
  platformDrops: undefined,
} as const;
