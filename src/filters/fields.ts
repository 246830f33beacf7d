// Fields of JSON lines that go into structured metadata, as LOKI_METADATA_FIELDS names them. A line is read where it is
// written, without an object being made of it.
import type { ByteString } from '../byte-string.ts';
import { cutToBytes } from '../loki/labels.ts';
import { readString, skipSpace, stringEnd, valueEnd } from '../records/json-text.ts';
import { jsonStart, textOf } from './redact.ts';

export interface Field {
  /** As it is written in the setting, with dots; a name with dots in it is looked for before a way through objects. */
  readonly path: string;
  /** In the metadata. */
  readonly name: string;
}

export type FieldValues = Readonly<Record<string, string>>;

const MAX_VALUE_BYTES = 256;

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

/** Text, numbers and truth values; undefined where the line has none of the fields. */
export function fieldsOf(line: ByteString, fields: readonly Field[]): FieldValues | undefined {
  const jsonAt = jsonStart(line);
  if (jsonAt === undefined || line.charCodeAt(jsonAt) !== OPEN_OBJECT) return undefined;
  let values: Record<string, string> | undefined;
  for (const { path, name } of fields) {
    const value = textAt(line, jsonAt, path);
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
  const written = line.slice(at, valueEnd(line, at)) as ByteString;
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

/** Where the value of this key begins in the object that opens at `open`. */
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
