// What this user wants redacted: the patterns named in LOKI_REDACT, and the expression in LOKI_REDACT_REGEX.
import { type ByteString, toByteString } from '../byte-string.ts';
import { PATTERNS, type Pattern } from './patterns.ts';
import { type Findings, type LineView, redactLine } from './redact.ts';
import type { Spans } from './spans.ts';
import type { Tried } from './trials.ts';

export interface Redactor {
  /** Undefined if there is no expression. It has to be run under a watch: see `find`. */
  readonly expression: Tried | undefined;
  /** The matches of the expression. This may take forever. */
  find(text: string): Spans;
  /** @param found the matches of the expression. @returns undefined if nothing is secret */
  redact(view: LineView, found: Findings): ByteString | undefined;
}

/** Replaces a line that could not be searched in time. */
export const TIMED_OUT = toByteString('[redaction timed out]');

/** @param names of existing patterns */
export function createRedactor(names: readonly string[], expression: Tried | undefined): Redactor {
  const patterns = names.flatMap((name) => PATTERNS[name] ?? []);
  const find = expression === undefined ? () => [] : createFinder(expression.regExp);
  return {
    expression,
    find,
    redact(view, { written, escaped }) {
      return redactLine(view, {
        written: [...written, ...findAll(patterns, view.text)],
        escaped: view.escaped.map(({ text }, index) => [...(escaped[index] ?? []), ...findAll(patterns, text)]),
      });
    },
  };
}

function findAll(patterns: readonly Pattern[], text: string): Spans {
  return patterns.flatMap((pattern) => pattern(text));
}

/** If there are named groups, only their contents are secret, not the rest of the match. */
function createFinder(regExp: RegExp): (text: string) => Spans {
  const { source, flags } = regExp;
  const hasNames = new RegExp(`${source}|`, flags).exec('')?.groups !== undefined;
  const everywhere = new RegExp(source, `${flags}g${hasNames ? 'd' : ''}`);
  return (text) => {
    const spans: number[] = [];
    if (!regExp.test(text)) return spans;
    for (const match of text.matchAll(everywhere)) {
      const groups = Object.values(match.indices?.groups ?? {}).filter((place) => place !== undefined);
      if (groups.length > 0) for (const [start, end] of groups) spans.push(start, end);
      else spans.push(match.index, match.index + match[0].length);
    }
    return spans;
  };
}
