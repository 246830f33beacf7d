// What follows the level of a line: the request id, where Lambda, its runtimes and other loggers put it, or the JSON of
// a logger whose output passed through another one.

import { inspectJson } from './line-json.ts';
import type { Inspection, Level } from './line-level.ts';
import { COLON, DOUBLE_QUOTE, EQUALS, HEAD_CHARACTERS, isBlank, isDigit, OPEN_CURLY, SPACE, TAB } from './line-scan.ts';
import { skipTime } from './line-time.ts';
import { requestIdAt } from './request-id.ts';

const SWIFT_ID = ' aws-request-id=';

/**
 * What `console.log(JSON.stringify({ level: 'error', ... }))` comes to where Lambda logs text:
 * `<time>\t<id>\tINFO\t{...}`. The line's own word goes before that of the console.
 * @param at behind the level of the console
 */
export function ownLevel(line: string, at: number): Level | undefined {
  return line.charCodeAt(at) === TAB && line.charCodeAt(at + 1) === OPEN_CURLY
    ? inspectJson(line, at + 1).level
    : undefined;
}

/**
 * Completes an inspection with the request's id: the one that was found before the level, or one behind it.
 * @param at behind the level
 * @param isTabbed whether both stand behind tabs, as Node.js and .NET on Lambda write them: `<time>\t<id>\tLEVEL\ttext`
 */
export function withIds(line: string, found: Level, at: number, id?: string, isTabbed = false): Inspection {
  const level = ownLevel(line, at) ?? found;
  if (id !== undefined) return { level, requestId: isTabbed ? id : undefined, mentionedId: isTabbed ? undefined : id };
  const next = line.charCodeAt(at);
  // Python: `[LEVEL]\t<time>\t<id>\ttext`; Java: `[LEVEL] <time> <id> text`.
  if ((next === TAB || next === SPACE) && isDigit(line.charCodeAt(at + 1))) {
    const timeEnd = skipTime(line, at + 1);
    const behindTime =
      timeEnd > at + 1 && line.charCodeAt(timeEnd) === next ? requestIdAt(line, timeEnd + 1) : undefined;
    if (behindTime !== undefined) {
      const isPlaced = next === TAB && line.charCodeAt(timeEnd + 1 + behindTime.length) === TAB;
      return { level, requestId: isPlaced ? behindTime : undefined, mentionedId: isPlaced ? undefined : behindTime };
    }
  }
  const idBehind = isBlank(next) ? requestIdAt(line, at + 1) : undefined;
  if (idBehind !== undefined) {
    const behind = at + 1 + idBehind.length;
    if (line.startsWith(' -- ', behind)) return { level, requestId: idBehind, mentionedId: undefined }; // Ruby's logger
    if (isBlank(line.charCodeAt(behind))) return { level, requestId: undefined, mentionedId: idBehind };
  }
  return { level, requestId: undefined, mentionedId: mentionedIn(line, at) };
}

/** Rust's `requestId="<id>"` and `requestId: "<id>"`, Swift's `aws-request-id=<id>`, and the like. */
function mentionedIn(line: string, from: number): string | undefined {
  const head = line.slice(from, from + 2 * HEAD_CHARACTERS);
  const key = head.indexOf('questId');
  if (key === -1) {
    const swift = head.indexOf(SWIFT_ID);
    return swift === -1 ? undefined : requestIdAt(head, swift + SWIFT_ID.length);
  }
  let at = key + 'questId'.length;
  if (head.charCodeAt(at) === DOUBLE_QUOTE) at += 1;
  const mark = head.charCodeAt(at);
  if (mark !== EQUALS && mark !== COLON) return undefined;
  at += 1;
  if (head.charCodeAt(at) === SPACE) at += 1;
  if (head.charCodeAt(at) === DOUBLE_QUOTE) at += 1;
  return requestIdAt(head, at);
}
