// What a record says: from the JSON the platform sent to a record with a known shape. Total: whatever comes becomes a record, since a
// line that we do not understand is still a line of somebody's log.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
import { type ByteString, toByteString } from '../byte-string.ts';
import type { LogType } from '../lambda/subscription.ts';
import type { Instant } from '../time.ts';
import { type Inspection, inspectObject, inspectText, type Level, NOTHING } from './line-text.ts';
import type { TimeReader } from './record-time.ts';

export interface LogRecord {
  readonly source: LogType;
  /** The full type of a platform event, `platform.report` for example; also a type that we do not know. */
  readonly event: string | undefined;
  /** What goes to Loki; empty when there is nothing to say. */
  readonly line: ByteString;
  /** Undefined when the record states no time that can be read. */
  readonly time: Instant | undefined;
  readonly level: Level | undefined;
  /** The request that the record itself names. */
  readonly requestId: string | undefined;
  /** The X-Ray trace that the record itself names. */
  readonly traceId: string | undefined;
  /** What `platform.logsDropped` says was lost. */
  readonly platformDrops: { readonly records: number; readonly bytes: number } | undefined;
}

const MAX_ID_CHARACTERS = 256;

type JsonObject = Readonly<Record<string, unknown>>;

export function toLogRecord(raw: unknown, readTime: TimeReader): LogRecord {
  const envelope = isObject(raw) ? raw : {};
  const type = envelope['type'];
  const record = envelope['record'];
  const time = readTime(envelope['time']);
  if ((type === 'function' || type === 'extension') && record !== undefined) {
    if (typeof record === 'string') return textRecord(type, toByteString(withoutNewline(record)), time);
    return lineRecord(
      type,
      toByteString(JSON.stringify(record)),
      time,
      isObject(record) ? inspectObject(record) : NOTHING,
    );
  }
  return platformRecord(raw, idOf(type), record, time);
}

/** @param line without a newline at its end */
export function textRecord(source: LogType, line: ByteString, time: Instant | undefined): LogRecord {
  return lineRecord(source, line, time, inspectText(line));
}

function lineRecord(
  source: LogType,
  line: ByteString,
  time: Instant | undefined,
  { level, requestId }: Inspection,
): LogRecord {
  return { source, event: undefined, line, time, level, requestId, traceId: undefined, platformDrops: undefined };
}

/** A platform event, an event of an unknown type, or none of the documented shapes: sent whole. */
function platformRecord(
  raw: unknown,
  event: string | undefined,
  record: unknown,
  time: Instant | undefined,
): LogRecord {
  const fields = isObject(record) ? record : {};
  return {
    source: 'platform',
    event,
    line: toByteString(JSON.stringify(raw) ?? ''),
    time,
    level: undefined,
    requestId: idOf(fields['requestId']) ?? (typeof record === 'string' ? inspectText(record).requestId : undefined),
    traceId: traceIdOf((fields['tracing'] as { value?: unknown } | undefined)?.value),
    platformDrops:
      event === 'platform.logsDropped'
        ? { records: countOf(fields['droppedRecords']), bytes: countOf(fields['droppedBytes']) }
        : undefined,
  };
}

/** The root of an X-Ray trace header, as in `Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=...;Sampled=1`. */
export function traceIdOf(traceHeader: unknown): string | undefined {
  return typeof traceHeader === 'string' ? idOf(/(?:^|;)\s*Root=([^;\s]+)/.exec(traceHeader)?.[1]) : undefined;
}

export function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An id, which becomes metadata of an entry: Loki refuses an entry with too much of that. */
function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_CHARACTERS ? value : undefined;
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}
