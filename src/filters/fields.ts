// Copies fields of JSON lines into structured metadata, as LOKI_METADATA_FIELDS names them. Reads the line as text,
// without making an object of it.
import type { ByteString } from '../byte-string.ts';
import { cutToBytes } from '../loki/labels.ts';
import { COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from '../records/json-scan.ts';
import { readString, skipSpace, stringEnd, valueEnd } from '../records/json-text.ts';
import { ownJson } from '../records/line-message.ts';
import { jsonStart, textOf } from './redact.ts';

export interface Field {
  /** As written in the setting. A name that contains dots is looked up first, then a path through nested objects. */
  readonly path: string;
  /** Its name in the metadata. */
  readonly name: string;
}

export type FieldValues = Readonly<Record<string, string>>;

const MAX_VALUE_BYTES = 256;

/**
 * Strings, numbers and booleans; undefined if the line has none of the fields. Of a line in Lambda's JSON log format
 * they may be those of the JSON that it has as its message.
 */
export function fieldsOf(line: ByteString, fields: readonly Field[]): FieldValues | undefined {
  const jsonAt = jsonStart(line);
  if (jsonAt === undefined || line.charCodeAt(jsonAt) !== OPEN_OBJECT) return undefined;
  let values: Record<string, string> | undefined;
  const own = ownJson(line, jsonAt);
  for (const { path, name } of fields) {
    const value = textAt(line, jsonAt, path) ?? (own && textAt(own.text as ByteString, own.open, path));
    if (value === undefined) continue;
    values ??= {};
    values[name] = value;
  }
  return values;
}

function textAt(line: ByteString, jsonAt: number, path: string): string | undefined {
  const at = valueAt(line, jsonAt, path) ?? valueAlong(line, jsonAt, path);
  if (at === undefined) return undefined;
  const first = line.charCodeAt(at);
  const end = valueEnd(line, at);
  if (end === line.length) return undefined; // it breaks off
  const written = line.slice(at, end) as ByteString;
  if (first === OPEN_OBJECT || first === OPEN_ARRAY || written === 'null') return undefined;
  const text = first === QUOTE ? readString(written) : written;
  return text ? cutToBytes(textOf(text), MAX_VALUE_BYTES) : undefined;
}

function valueAlong(line: ByteString, jsonAt: number, path: string): number | undefined {
  let at: number | undefined = jsonAt;
  for (const key of path.split('.')) {
    at = at !== undefined && line.charCodeAt(at) === OPEN_OBJECT ? valueAt(line, at, key) : undefined;
  }
  return at;
}

/** The position of this key's value in the object that opens at `open`. */
function valueAt(line: ByteString, open: number, key: string): number | undefined {
  let at = skipSpace(line, open + 1);
  while (line.charCodeAt(at) === QUOTE) {
    const keyEnd = stringEnd(line, at);
    const isIt = keyEnd - at - 2 === key.length && line.startsWith(key, at + 1);
    at = skipSpace(line, keyEnd);
    if (line.charCodeAt(at) !== COLON) return undefined;
    at = skipSpace(line, at + 1);
    if (isIt) return at;
    at = skipSpace(line, valueEnd(line, at));
    if (line.charCodeAt(at) !== COMMA) return undefined;
    at = skipSpace(line, at + 1);
  }
  return undefined;
}
