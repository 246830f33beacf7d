// Removes secrets from a line. JSON stays JSON: text inside a string is replaced, a number becomes a string, brackets
// and commas stay. A line without secrets is left unchanged, byte for byte.
import { type ByteString, NOT_ASCII, toByteString } from '../byte-string.ts';
import { BACKSLASH, QUOTE } from '../records/json-scan.ts';
import { isJson, parseJson, skipSpace, stringEnd, valueEnd } from '../records/json-text.ts';
import { mergeSpans, replaceSpans, type Spans } from './spans.ts';

export const REDACTED = '[redacted]';

/** A string with escapes in a JSON line, or in the JSON that such a string stands for. */
export interface EscapedText {
  /** The string that it is within, as its place in the list; undefined for one of the line. */
  readonly parent: number | undefined;
  /** The positions of its quotes. */
  readonly start: number;
  readonly end: number;
  /** The text that it stands for. */
  readonly text: string;
}

export interface LineView {
  /** The characters of the line, with its JSON as it is written. */
  readonly text: string;
  /** The position where JSON begins; undefined if there is none. */
  readonly jsonAt: number | undefined;
  /** Each before those within it, in order. */
  readonly escaped: readonly EscapedText[];
}

/** The secrets in the line as written, and in each of its strings with escapes. */
export interface Findings {
  readonly written: Spans;
  readonly escaped: readonly Spans[];
}

/** A message of a queue within an event, which the program has printed as text, which Lambda has put into a line. */
const MAX_DEPTH = 3;
/** The prefix that Lambda's runtimes put before a line: time, request id and level, in various orders. */
const BEFORE_JSON = /^(?:[^\t{]{0,64}\t){3}(?=[{[])/;
/** Bref's, for PHP: `LEVEL\ttext\t{"message":"text",...}`, perhaps behind the request id. */
const BREF = /^(?:[\da-f-]{36}\t)?(?:DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY)\t/;
const BREF_JSON = '\t{"message":';

/** Decodes a line into characters. */
export function textOf(line: ByteString): string {
  return NOT_ASCII.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line;
}

/** Replaces the `\u` escapes of characters beyond ASCII in a JSON line: Python and others write them so. */
export function withoutUnicodeEscapes(text: string): string {
  if (!text.includes('\\u') || jsonStart(text) === undefined) return text;
  return text.replaceAll(/\\(?:u([\da-fA-F]{4})|.)/gs, (written, hex?: string) => {
    const code = Number.parseInt(hex ?? '0', 16);
    return code < 0x80 ? written : String.fromCharCode(code);
  });
}

/** The position where JSON may begin; undefined if it does not look like JSON. */
export function jsonStart(text: string): number | undefined {
  const [head] = BEFORE_JSON.exec(text) ?? [];
  if (head !== undefined) return head.length;
  const first = text.charAt(0);
  if (first === '{' || first === '[' || first === '"') return 0;
  // In JSON these characters stand only where it begins: a tab in it is an escape.
  const at = BREF.test(text) ? text.lastIndexOf(BREF_JSON) : -1;
  return at === -1 ? undefined : at + 1;
}

export function viewOf(line: ByteString): LineView {
  const text = textOf(line);
  const jsonAt = jsonStart(text);
  const escaped: EscapedText[] = [];
  if (jsonAt !== undefined) addEscaped(escaped, undefined, text, jsonAt, 0);
  return { text, jsonAt, escaped };
}

function addEscaped(
  list: EscapedText[],
  parent: number | undefined,
  text: string,
  jsonAt: number,
  depth: number,
): void {
  for (const found of escapedTexts(text, jsonAt)) {
    const place = list.push({ ...found, parent }) - 1;
    const within = depth < MAX_DEPTH && found.text.includes('\\') ? jsonStart(found.text) : undefined;
    if (within !== undefined && isJson(found.text.slice(within)))
      addEscaped(list, place, found.text, within, depth + 1);
  }
}

function* escapedTexts(text: string, jsonAt: number): Generator<Omit<EscapedText, 'parent'>, void> {
  for (let at = text.indexOf('\\', jsonAt); at !== -1; at = text.indexOf('\\', at)) {
    // Outside a string JSON has no backslash.
    const start = text.lastIndexOf('"', at);
    if (start < jsonAt) return;
    const end = stringEnd(text, start);
    const value = parseJson(text.slice(start, end));
    if (typeof value === 'string') yield { start, end, text: value };
    at = Math.max(end, at + 1);
  }
}

/** @returns undefined if no secret was found */
export function redactLine(view: LineView, findings: Findings): ByteString | undefined {
  if (findings.written.length === 0 && findings.escaped.every(({ length }) => length === 0)) return undefined;
  const { text, jsonAt } = view;
  const written = mergeSpans(findings.written);
  if (jsonAt === undefined || !isJson(text.slice(jsonAt))) {
    return written.length === 0 ? undefined : toByteString(replaceSpans(text, written, REDACTED));
  }
  const front = clip(written, 0, jsonAt);
  const secrets = secretsOf(view.escaped, findings.escaped);
  const redacted = replaceSpans(text.slice(0, jsonAt), front, REDACTED) + redactJson(text, jsonAt, written, secrets);
  return redacted === text ? undefined : toByteString(redacted);
}

interface Secret {
  readonly start: number;
  readonly spans: Spans;
}

/** What is secret in each string with escapes of the line: what was found in it, and in the strings within it. */
function secretsOf(escaped: readonly EscapedText[], findings: readonly Spans[]): Secret[] {
  const within = escaped.map((): number[] => []);
  for (const [place, { parent }] of escaped.entries()) if (parent !== undefined) within[parent]?.push(place);
  const spans: Spans[] = [];
  for (let place = escaped.length - 1; place >= 0; place--) {
    const found = findings[place] ?? [];
    const inner = within[place]?.map((child) => ({ ...(escaped[child] as EscapedText), spans: spans[child] ?? [] }));
    spans[place] = inner?.length ? withInner(escaped[place]?.text ?? '', mergeSpans(found), inner) : found;
  }
  return escaped.flatMap(({ parent, start }, place) =>
    parent === undefined ? [{ start, spans: spans[place] ?? [] }] : [],
  );
}

function withInner(text: string, found: Spans, inner: readonly (Secret & { readonly end: number })[]): Spans {
  const outside = createCursor(found);
  const touching = createCursor(found);
  const spans: number[] = [];
  let from = 0;
  const addOutside = (to: number) => {
    for (const place of clip(outside.within(from, to), from, to)) spans.push(from + place);
  };
  for (const { start, end, spans: meant } of inner) {
    addOutside(start + 1);
    for (const place of spansOfEscaped(text, start, end, touching.within(start, end), meant)) spans.push(place);
    from = end - 1;
  }
  addOutside(text.length);
  return mergeSpans(spans);
}

function redactJson(text: string, jsonAt: number, written: Spans, escaped: readonly Secret[]): string {
  let result = '';
  let from = jsonAt;
  let nextEscaped = 0;
  const cursor = createCursor(written);
  for (let at = skipStructure(text, jsonAt); at < text.length; at = skipStructure(text, at)) {
    const isString = text.charCodeAt(at) === QUOTE;
    const end = Math.max(valueEnd(text, at), at + 1);
    const touching = cursor.within(at, end);
    if (isString) {
      const own = escaped[nextEscaped]?.start === at ? escaped[nextEscaped++] : undefined;
      const spans = own === undefined ? touching : spansOfEscaped(text, at, end, touching, own.spans);
      result +=
        text.slice(from, at + 1) + replaceSpans(text.slice(at + 1, end - 1), clip(spans, at + 1, end - 1), REDACTED);
      from = end - 1;
    } else if (touching.length > 0) {
      result += `${text.slice(from, at)}"${REDACTED}"`;
      from = end;
    }
    at = end;
  }
  return result + text.slice(from);
}

/**
 * The parts of a string with escapes that have to be replaced. Of the secrets found in its written form only those
 * count that reach beyond the string: the digits of an escape are no secret.
 */
function spansOfEscaped(text: string, start: number, end: number, written: Spans, own: Spans): Spans {
  const crossing: number[] = [];
  for (let at = 0; at < written.length; at += 2) {
    const from = written[at] as number;
    const to = written[at + 1] as number;
    if (from <= start || to >= end) crossing.push(from, to);
  }
  if (crossing.length === 0 && own.length === 0) return [];
  const spans: number[] = [];
  const meant = createCursor(mergeSpans(own));
  const across = createCursor(crossing);
  let units = 0;
  for (let at = start + 1; at < end - 1; units++) {
    const next = at + (text.charCodeAt(at) !== BACKSLASH ? 1 : text.charAt(at + 1) === 'u' ? 6 : 2);
    if (meant.within(units, units + 1).length > 0 || across.within(at, next).length > 0) spans.push(at, next);
    at = next;
  }
  return mergeSpans(spans);
}

/** The parts of the spans between two positions, relative to the first position. */
function clip(spans: Spans, start: number, end: number): number[] {
  const clipped: number[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    const from = Math.max(spans[at] as number, start);
    const to = Math.min(spans[at + 1] as number, end);
    if (from < to) clipped.push(from - start, to - start);
  }
  return clipped;
}

/** Expects ascending positions, and so walks through the merged spans only once. */
function createCursor(spans: Spans) {
  let at = 0;
  return {
    within(start: number, end: number): Spans {
      while (at < spans.length && (spans[at + 1] as number) <= start) at += 2;
      let last = at;
      while (last < spans.length && (spans[last] as number) < end) last += 2;
      return last === at ? NONE : spans.slice(at, last);
    },
  };
}

const NONE: Spans = [];

function skipStructure(text: string, at: number): number {
  let index = skipSpace(text, at);
  while (index < text.length && ',:[]{}'.includes(text.charAt(index))) index = skipSpace(text, index + 1);
  return index;
}
