// Judges what arrived against what was printed. Every printed line holds a token, `#` and a number: with it a line is found
// again that is not what it was. Verbatim: an entry of its own with exactly that text. Damaged: the token is there, the
// text is another, or stands inside a longer entry. Doubled: stored more often than printed. Lost: the token is nowhere.

/** A line that the function printed. Lines with the same token have the same text. */
export interface Printed {
  readonly text: string;
  /** The record's own time, where the case sets one; epoch milliseconds. */
  readonly timeMs?: number;
}

export interface Stored {
  readonly line: string;
  readonly timestampNs: bigint;
}

export interface Tally {
  readonly printed: number;
  readonly verbatim: number;
  readonly doubled: number;
  readonly damaged: number;
  readonly lost: number;
  /** Lines, verbatim or not, that stand at the millisecond of their record. */
  readonly onTime: number;
  /** The first damaged lines, one of each stored entry. */
  readonly examples: readonly { readonly printed: string; readonly stored: string }[];
}

export interface Judging {
  /** Takes away what the extension adds to each line by a documented default. */
  readonly undo: (line: string) => string;
  /** Takes away from a printed text what the extension takes away by a documented design. */
  readonly expected: (text: string) => string;
  /** Two texts with the same form count as the same; default: the text itself. */
  readonly form?: (text: string) => string;
}

const tokens = /#\d+/g;
const mostExamples = 8;

/** The token of a line, to be put where a line can have it. */
export function token(index: number): string {
  return `#${index}`;
}

export function tally(printed: readonly Printed[], stored: readonly Stored[], judging: Judging): Tally {
  const { undo, expected, form = (text: string) => text } = judging;
  const missing = Map.groupBy(printed, ({ text }) => form(expected(text)));
  const strays = new Map<string, Stored[]>();
  const counts = { verbatim: 0, doubled: 0, damaged: 0, lost: 0, onTime: 0 };
  for (const entry of stored) {
    const waiting = missing.get(form(undo(entry.line)));
    const line = waiting?.shift();
    if (line !== undefined) {
      counts.verbatim++;
      if (isOnTime(line, entry)) counts.onTime++;
    } else if (waiting !== undefined) counts.doubled++;
    else for (const found of entry.line.match(tokens) ?? []) append(strays, found, entry);
  }
  const examples: Tally['examples'][number][] = [];
  for (const line of [...missing.values()].flat()) {
    const entry = strays.get(line.text.match(tokens)?.at(-1) ?? '')?.shift();
    if (entry === undefined) counts.lost++;
    else {
      counts.damaged++;
      if (isOnTime(line, entry)) counts.onTime++;
      const shown = examples.some((example) => example.stored === entry.line);
      if (!shown && examples.length < mostExamples) examples.push({ printed: line.text, stored: entry.line });
    }
  }
  counts.doubled += [...strays.values()].flat().length;
  return { printed: printed.length, ...counts, examples };
}

/** The form of JSON text in which only the value counts: not the order of members nor the spelling, but each digit. */
export function jsonForm(text: string): string {
  try {
    // A number is kept as it was written: read as a double, 9007199254740993 would equal its neighbour.
    const exact = (_key: string, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? { number: context?.source?.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') } : value;
    return JSON.stringify(sorted(JSON.parse(text, exact)));
  } catch {
    return text;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, member]) => [name, sorted(member)]);
}

function isOnTime({ timeMs }: Printed, { timestampNs }: Stored): boolean {
  return timeMs !== undefined && Number(timestampNs / 1_000_000n) === timeMs;
}

function append(map: Map<string, Stored[]>, key: string, entry: Stored): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
}
