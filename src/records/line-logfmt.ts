// Lines of pairs: `time=<time> level=info msg="text"`, as Go's slog and logrus write them, and structlog with single quotes.

import { isEscaped } from './json-text.ts';
import { type Inspection, type Level, NOTHING, toLevel } from './line-level.ts';
import { DOUBLE_QUOTE, EQUALS, isBlank, isSpace, SINGLE_QUOTE } from './line-scan.ts';
import { toRequestId } from './request-id.ts';

const LONGEST_HEAD = 512;
const LEVEL_KEYS: ReadonlySet<string> = new Set(['level', 'lvl', 'log.level', 'log_level', 'loglevel', 'levelname']);
/** It is a level only beside a message or a time. */
const SEVERITY = 'severity';
const COMPANION = /(?:^|[ \t])(?:time|ts|t|timestamp|msg|message|event)=/;
const ID_KEYS: ReadonlySet<string> = new Set(['aws_request_id', 'AWSRequestId', 'function_request_id']);
const MENTION_KEYS: ReadonlySet<string> = new Set(['requestId', 'request_id', 'awsRequestId', 'RequestId']);

const SMALL_L = 0x6c;
const SMALL_S = 0x73;

interface Found {
  level: Level | undefined;
  severity: Level | undefined;
  requestId: string | undefined;
  mentionedId: string | undefined;
}

/** Reads pair by pair; what is no pair ends the reading. One pair and then words are the beginning of a sentence. */
export function inspectPairs(line: string, from: number): Inspection {
  const head = line.length > LONGEST_HEAD ? line.slice(0, LONGEST_HEAD) : line;
  const mayHaveId = head.includes('equest');
  const found: Found = { level: undefined, severity: undefined, requestId: undefined, mentionedId: undefined };
  let at = from;
  while (at < head.length && (found.level === undefined || mayHaveId)) {
    const keyEnd = endOfKey(head, at);
    if (keyEnd === at || head.charCodeAt(keyEnd) !== EQUALS) break;
    const end = endOfValue(head, keyEnd + 1);
    let next = end;
    while (isSpace(head.charCodeAt(next))) next += 1;
    if (at === from && next < head.length && head.charCodeAt(endOfKey(head, next)) !== EQUALS) return NOTHING;
    note(head, at, keyEnd, end, found);
    at = next;
  }
  const { level, severity, requestId, mentionedId } = found;
  const isLogged = level === undefined && severity !== undefined && COMPANION.test(head);
  return { level: isLogged ? severity : level, requestId, mentionedId };
}

/** Takes note of the pair from `at` to `end`. */
function note(head: string, at: number, keyEnd: number, end: number, found: Found): void {
  const first = head.charCodeAt(at);
  const key = head.slice(at, keyEnd);
  if (first === SMALL_L) {
    if (LEVEL_KEYS.has(key)) found.level ??= toLevel(readValue(head, keyEnd + 1, end));
  } else if (first === SMALL_S) {
    if (key === SEVERITY) found.severity ??= toLevel(readValue(head, keyEnd + 1, end));
  } else if (ID_KEYS.has(key)) found.requestId ??= toRequestId(readValue(head, keyEnd + 1, end));
  else if (MENTION_KEYS.has(key)) found.mentionedId ??= toRequestId(readValue(head, keyEnd + 1, end));
}

function endOfKey(head: string, at: number): number {
  let end = at;
  for (let code = head.charCodeAt(end); code !== EQUALS && !isBlank(code); code = head.charCodeAt(end)) end += 1;
  return end;
}

/** Behind the value: its closing quote, or the last character before a blank. */
function endOfValue(head: string, at: number): number {
  const quote = head.charCodeAt(at);
  let end = at;
  if (quote !== DOUBLE_QUOTE && quote !== SINGLE_QUOTE) {
    while (!isBlank(head.charCodeAt(end))) end += 1;
    return end;
  }
  end = head.indexOf(quote === DOUBLE_QUOTE ? '"' : "'", at + 1);
  while (end !== -1 && isEscaped(head, end)) end = head.indexOf(quote === DOUBLE_QUOTE ? '"' : "'", end + 1);
  return end === -1 ? head.length : end + 1;
}

function readValue(head: string, at: number, end: number): string {
  const quote = head.charCodeAt(at);
  return quote === DOUBLE_QUOTE || quote === SINGLE_QUOTE ? head.slice(at + 1, end - 1) : head.slice(at, end);
}
