// Lines of key-value pairs: `time=<time> level=info msg="text"`, as written by Go's slog and logrus, and by structlog
// with single quotes. The regular expressions here never have two ways to match the same text, so they run in linear
// time.

import { type Inspection, type Level, NOTHING, toLevel } from './line-level.ts';
import { requestIdAt } from './request-id.ts';

const LONGEST_HEAD = 512;
const VALUE = String.raw`(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']\S*|(?=\s))`;
const LEVEL_KEY = String.raw`(?:level|lvl|log\.level|log_level|loglevel|levelname)`;
const pairsBefore = (key: string) => String.raw`^\s*((?:(?!${key}=)[^\s=]+=${VALUE}[ \t]+)*)`;
/**
 * Pairs, and then the one with the level. What is no pair ends the reading, so a sentence with `level=error` in it says
 * nothing.
 */
const LEVEL = new RegExp(`${pairsBefore(LEVEL_KEY)}${LEVEL_KEY}=["']?([\\w+-]+)["']?(?!\\S)`);
const SEVERITY = new RegExp(`${pairsBefore('severity')}severity=["']?(\\w+)["']?(?!\\S)`);
/** One pair and then words are the beginning of a sentence. */
const NEXT_PAIR = /^\s*(?:$|[^\s=]+=)/;
const COMPANION = /(?:^|[ \t])(?:time|ts|t|timestamp|msg|message|event)=/;
const ID = /(?:^|[ \t])(?:(aws_request_id|AWSRequestId|function_request_id)|requestId|request_id|awsRequestId)=["']?/;

export function inspectPairs(line: string): Inspection {
  const head = line.length > LONGEST_HEAD ? line.slice(0, LONGEST_HEAD) : line;
  const level = levelIn(head);
  const id = head.includes('quest') ? ID.exec(head) : null;
  if (id === null) return level === undefined ? NOTHING : { level, requestId: undefined, mentionedId: undefined };
  const found = requestIdAt(head, id.index + id[0].length);
  return id[1] === undefined
    ? { level, requestId: undefined, mentionedId: found }
    : { level, requestId: found, mentionedId: undefined };
}

function levelIn(head: string): Level | undefined {
  const [matched, before, word] = LEVEL.exec(head) ?? [];
  if (matched !== undefined) {
    const level = before !== '' || NEXT_PAIR.test(head.slice(matched.length)) ? toLevel(word) : undefined;
    // `patient=7 level=critical` is no crash.
    return level === 'fatal' && !COMPANION.test(head) ? undefined : level;
  }
  if (!head.includes('severity=') || !COMPANION.test(head)) return undefined;
  return toLevel(SEVERITY.exec(head)?.[2]);
}
