// Takes what is secret out of a line. JSON stays JSON: within a string its text is replaced, a number becomes a string,
// brackets and commas stay. A line in which nothing is found is left as it is, byte for byte.
import { type ByteString, NOT_ASCII, toByteString } from '../byte-string.ts';
import { isJson, parseJson, skipSpace, stringEnd, valueEnd } from '../records/json-text.ts';
import { mergeSpans, replaceSpans, type Spans } from './spans.ts';

export const REDACTED = '[redacted]';

/** A text in a line of JSON that has escapes in it. */
export interface EscapedText {
  /** Where its quotes are. */
  readonly start: number;
  readonly end: number;
  /** What is meant. */
  readonly text: string;
}

export interface LineView {
  /** As a person would read it, its JSON as it is written. */
  readonly text: string;
  /** Where JSON begins; undefined where there is none. */
  readonly jsonAt: number | undefined;
  readonly escaped: readonly EscapedText[];
}

/** Secret places in the line as it is written, and in each of its texts with escapes. */
export interface Findings {
  readonly written: Spans;
  readonly escaped: readonly Spans[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What Lambda's runtimes put before a line: time, request id and level, in their own orders. */
const BEFORE_JSON = /^(?:[^\t{]{0,64}\t){3}(?=[{[])/;

/** The characters that a line stands for. */
export function textOf(line: ByteString): string {
  return NOT_ASCII.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line;
}

/** Of a line of JSON: characters that are not ASCII as they are, and not as Python and others write them. */
export function withoutUnicodeEscapes(text: string): string {
  if (!text.includes('\\u') || jsonStart(text) === undefined) return text;
  return text.replaceAll(/\\(?:u([\da-fA-F]{4})|.)/gs, (written, hex?: string) => {
    const code = Number.parseInt(hex ?? '0', 16);
    return code < 0x80 ? written : String.fromCharCode(code);
  });
}

/** Where JSON may begin; undefined where it does not look like any. */
export function jsonStart(text: string): number | undefined {
  const [head] = BEFORE_JSON.exec(text) ?? [];
  if (head !== undefined) return head.length;
  const first = text.charAt(0);
  return first === '{' || first === '[' || first === '"' ? 0 : undefined;
}

export function viewOf(line: ByteString): LineView {
  const text = textOf(line);
  const jsonAt = jsonStart(text);
  return { text, jsonAt, escaped: jsonAt === undefined ? [] : [...escapedTexts(text, jsonAt)] };
}

function* escapedTexts(text: string, jsonAt: number): Generator<EscapedText, void> {
  for (let at = text.indexOf('\\', jsonAt); at !== -1; at = text.indexOf('\\', at)) {
    // Outside of a string there is no backslash in JSON.
    const start = text.lastIndexOf('"', at);
    if (start < jsonAt) return;
    const end = stringEnd(text, start);
    const value = parseJson(text.slice(start, end));
    if (typeof value === 'string') yield { start, end, text: value };
    at = Math.max(end, at + 1);
  }
}

/** @returns undefined if nothing was found */
export function redactLine(view: LineView, findings: Findings): ByteString | undefined {
  if (findings.written.length === 0 && findings.escaped.every(({ length }) => length === 0)) return undefined;
  const { text, jsonAt } = view;
  const written = mergeSpans(findings.written);
  if (jsonAt === undefined || !isJson(text.slice(jsonAt))) {
    return written.length === 0 ? undefined : toByteString(replaceSpans(text, written, REDACTED));
  }
  const front = clip(written, 0, jsonAt);
  const redacted =
    replaceSpans(text.slice(0, jsonAt), front, REDACTED) + redactJson(view, jsonAt, { ...findings, written });
  return redacted === text ? undefined : toByteString(redacted);
}

function redactJson({ text, escaped }: LineView, jsonAt: number, findings: Findings): string {
  let result = '';
  let from = jsonAt;
  let nextEscaped = 0;
  const cursor = createCursor(findings.written);
  for (let at = skipStructure(text, jsonAt); at < text.length; at = skipStructure(text, at)) {
    const isString = text.charCodeAt(at) === QUOTE;
    const end = Math.max(valueEnd(text, at), at + 1);
    const touching = cursor.within(at, end);
    if (isString) {
      const isEscaped = escaped[nextEscaped]?.start === at;
      const own = isEscaped ? findings.escaped[nextEscaped++] : undefined;
      const spans = own === undefined ? touching : spansOfEscaped(text, at, end, touching, own);
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
 * Where a text with escapes is to be replaced as it is written. Of what was found in it as written only that counts
 * which goes beyond it: the digits of an escape are none.
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

/** The parts of the spans that lie between two places, counted from the first of them. */
function clip(spans: Spans, start: number, end: number): number[] {
  const clipped: number[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    const from = Math.max(spans[at] as number, start);
    const to = Math.min(spans[at + 1] as number, end);
    if (from < to) clipped.push(from - start, to - start);
  }
  return clipped;
}

/** Asked for one place after the other, it goes through merged spans once. */
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
