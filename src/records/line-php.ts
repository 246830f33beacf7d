// Lines of PHP on Lambda: those of the runtime Bref, which begin with the request's id, and what the workers of PHP-FPM
// say, which the manager passes on with a level of its own.

import { ownLevel } from './line-ids.ts';
import { type Inspection, LONGEST_WORD, levelIn, TABBED, TIMED } from './line-level.ts';
import { HYPHEN, OPEN, TAB } from './line-scan.ts';
import { requestIdAt, UUID_CHARACTERS } from './request-id.ts';

const INVOKE_ERROR = 'Invoke Error\t';
const CAPITAL_N = 0x4e;
const CAPITAL_W = 0x57;
/** `[19-Jan-2019 20:52:38] WARNING: [pool default] child 14 said into stderr: "NOTICE: PHP message: text"` */
const MANAGER = new RegExp(
  [
    String.raw`(?:\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,6})?\] )?`,
    String.raw`(?:WARNING: \[pool [\w.-]{1,60}\] child \d{1,10} said into std(?:err|out): "(NOTICE: PHP message: )?`,
    '|(NOTICE: PHP message: ))',
  ].join(''),
  'y',
);

/** `<id>\tLEVEL\ttext`, `<id>\tInvoke Error\t{...}`: undefined for a line that does not begin with an id and a tab. */
export function inspectBehindId(line: string, at: number): Inspection | undefined {
  if (line.charCodeAt(at + UUID_CHARACTERS) !== TAB) return undefined;
  const id = requestIdAt(line, at);
  if (id?.length !== UUID_CHARACTERS) return undefined;
  const from = at + UUID_CHARACTERS + 1;
  if (line.startsWith(INVOKE_ERROR, from)) return { level: 'error', requestId: undefined, mentionedId: id };
  const head = line.slice(from, from + LONGEST_WORD + 1);
  const tab = head.indexOf('\t');
  const level = tab === -1 ? undefined : levelIn(TIMED | TABBED, head.slice(0, tab));
  const own = level && ownLevel(line, from + tab);
  return { level: own ?? level, requestId: undefined, mentionedId: id };
}

/** Where the text of a worker begins, and whether it is a message of PHP's; undefined for any other line. */
export function workerTextAt(line: string, at: number): { at: number; isNotice: boolean } | undefined {
  const first = line.charCodeAt(at);
  if (first === OPEN ? line.charCodeAt(at + 3) !== HYPHEN : first !== CAPITAL_N && first !== CAPITAL_W)
    return undefined;
  MANAGER.lastIndex = at;
  const match = MANAGER.exec(line);
  return match === null ? undefined : { at: MANAGER.lastIndex, isNotice: (match[1] ?? match[2]) !== undefined };
}
