// Turns an element of a body, still the JSON that the platform wrote, into a record of a known shape. Total: any input
// becomes a record, because a line that we do not understand is still a line of somebody's log.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
import type { ByteString } from '../byte-string.ts';
import type { LogType } from '../lambda/subscription.ts';
import type { Instant } from '../time.ts';
import { COMMA, OPEN_OBJECT, QUOTE } from './json-scan.ts';
import { parseShort, readString, skipSpace, stringEnd, valueEnd } from './json-text.ts';
import { type Inspection, type Level, NOTHING } from './line-level.ts';
import { inspectText } from './line-text.ts';
import type { TimeReader } from './record-time.ts';

export interface LogRecord {
  readonly type: LogType;
  /** The full type of a platform event, `platform.report` for example; also a type that we do not know. */
  readonly event: string | undefined;
  /** What goes to Loki; empty when there is nothing to say. */
  readonly line: ByteString;
  /** Undefined when the record states no time that can be read. */
  readonly time: Instant | undefined;
  readonly level: Level | undefined;
  /** The request that the record itself names, where Lambda and its runtimes do. */
  readonly requestId: string | undefined;
  /**
   * What looks like a request's id in another place. It is one if it is that of an invocation which this sandbox has
   * seen.
   */
  readonly mentionedId: string | undefined;
  /** The X-Ray trace that the record itself names. */
  readonly traceId: string | undefined;
  /** The alias and the tenant that a platform event names. */
  readonly alias: string | undefined;
  readonly tenantId: string | undefined;
  /** What `platform.logsDropped` says was lost. */
  readonly platformDrops: { readonly records: number; readonly bytes: number } | undefined;
}

const MAX_ID_CHARACTERS = 256;

type JsonObject = Readonly<Record<string, unknown>>;

/** @param json one element of a body. What goes to Loki is cut out of it: nothing is written again. */
export function toLogRecord(json: ByteString, readTime: TimeReader): LogRecord {
  const envelope = readEnvelope(json);
  const time = readTime(readShort(envelope.time));
  const { type, record } = envelope;
  if ((type === '"function"' || type === '"extension"') && record !== undefined) {
    const logType = type === '"function"' ? 'function' : 'extension';
    const text = record.charCodeAt(0) === QUOTE ? readString(record) : undefined;
    if (text !== undefined) return textRecord(logType, withoutNewline(text), time);
    return lineRecord(logType, record, time, record.charCodeAt(0) === OPEN_OBJECT ? inspectText(record) : NOTHING);
  }
  return platformRecord(json, envelope, time);
}

interface Envelope {
  time?: ByteString;
  type?: ByteString;
  record?: ByteString;
}

/**
 * The values of an element's own fields, as they are written; of a field that is there twice the last one, as
 * `JSON.parse` has it.
 */
function readEnvelope(json: ByteString): Envelope {
  const envelope: Envelope = {};
  let at = json.charCodeAt(0) === OPEN_OBJECT ? skipSpace(json, 1) : json.length;
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = stringEnd(json, at);
    const key = json.slice(at + 1, keyEnd - 1);
    // Behind the colon.
    const valueAt = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = valueEnd(json, valueAt);
    if (key === 'time' || key === 'type' || key === 'record') envelope[key] = json.slice(valueAt, end) as ByteString;
    at = skipSpace(json, end);
    if (json.charCodeAt(at) !== COMMA) break;
    at = skipSpace(json, at + 1);
  }
  return envelope;
}

/** @param line without a newline at its end */
export function textRecord(type: LogType, line: ByteString, time: Instant | undefined): LogRecord {
  return lineRecord(type, line, time, inspectText(line));
}

function lineRecord(
  type: LogType,
  line: ByteString,
  time: Instant | undefined,
  { level, requestId, mentionedId }: Inspection,
): LogRecord {
  return {
    type,
    event: undefined,
    line,
    time,
    level,
    requestId,
    mentionedId,
    traceId: undefined,
    alias: undefined,
    tenantId: undefined,
    platformDrops: undefined,
  };
}

/** A platform event, an event of an unknown type, or none of the documented shapes: sent whole. */
function platformRecord(json: ByteString, envelope: Envelope, time: Instant | undefined): LogRecord {
  const event = idOf(readShort(envelope.type));
  const record = readShort(envelope.record);
  const fields = asObject(record);
  return {
    type: 'platform',
    event,
    line: json,
    time,
    level: undefined,
    requestId: idOf(fields['requestId']) ?? (typeof record === 'string' ? idIn(record) : undefined),
    mentionedId: undefined,
    traceId: traceIdOf(asObject(fields['tracing'])['value']),
    alias: aliasOf(fields['functionArn']),
    tenantId: idOf(fields['tenantId']),
    platformDrops:
      event === 'platform.logsDropped'
        ? { records: countOf(fields['droppedRecords']), bytes: countOf(fields['droppedBytes']) }
        : undefined,
  };
}

/** Of the platform's own text, an id in any place is the request's. */
function idIn(text: string): string | undefined {
  const { requestId, mentionedId } = inspectText(text);
  return requestId ?? mentionedId;
}

/** The root of an X-Ray trace header, as in `Root=1-695b8ba0-0f3c2b1a4d5e6f7081920a1b;Parent=...;Sampled=1`. */
export function traceIdOf(traceHeader: unknown): string | undefined {
  return typeof traceHeader === 'string' ? idOf(/(?:^|;)\s*Root=([^;\s]+)/.exec(traceHeader)?.[1]) : undefined;
}

/**
 * The alias at the end of a function's ARN. `$LATEST` and the number of a version, which may stand in its place, are
 * none.
 */
export function aliasOf(functionArn: unknown): string | undefined {
  if (typeof functionArn !== 'string') return undefined;
  return idOf(/^arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]+:(?!\d+$)([\w-]+)$/.exec(functionArn)?.[1]);
}

/** Less one line end. */
export function withoutNewline(text: ByteString): ByteString {
  if (!text.endsWith('\n')) return text;
  return text.slice(0, text.endsWith('\r\n') ? -2 : -1) as ByteString;
}

function readShort(json: ByteString | undefined): unknown {
  return json === undefined ? undefined : parseShort(json);
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** An id, which becomes metadata of an entry: Loki refuses an entry with too much of that. */
function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_CHARACTERS ? value : undefined;
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}
