// Parser of label sets for the fake Loki: `{name="value", name2="value2"}` in the PromQL form, Go-style escapes.
// It takes the portable subset only: quoted UTF-8 names and a metric name in front, which some servers accept,
// are refused here. Result: sorted labels without empty values, and the canonical text that names the stream.

export interface LabelSet {
  readonly labels: Readonly<Record<string, string>>;
  /** The same, with a name that stood there twice twice. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Sorted and quoted anew: equal label sets have equal text. */
  readonly canonical: string;
  /** A name that stood there twice, if any: Loki loses that stream only. */
  readonly duplicate?: string;
}

const name = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const blanks = /[ \t\n\r]*/y;

/** Parses a label set; the problem is worded as Loki words it (400 for the whole request). */
export function parseLabels(text: string): LabelSet | { readonly problem: string } {
  const fail = (why: string) => ({ problem: `couldn't parse labels: ${why}` });
  if (text.includes('\uFFFD')) return fail('parse error: invalid UTF-8 rune');
  const pairs: [string, string][] = [];
  let duplicate: string | undefined;
  let at = skip(text, 0);
  // Seen on 3.7.8: an empty text is an empty set.
  if (at === text.length) return labelSet([]);
  if (text[at] !== '{') return fail(`1:${at + 1}: parse error: unexpected ${describe(text, at)}`);
  at = skip(text, at + 1);
  while (text[at] !== '}') {
    const pair = readPair(text, at);
    if ('problem' in pair) return fail(pair.problem);
    if (pairs.some(([known]) => known === pair.name)) duplicate ??= pair.name;
    pairs.push([pair.name, pair.value]);
    at = skip(text, pair.next);
    if (text[at] === ',') at = skip(text, at + 1);
    else if (text[at] !== '}')
      return fail(`1:${at + 1}: parse error: unexpected ${describe(text, at)} in label matching`);
  }
  if (skip(text, at + 1) !== text.length) return fail(`1:${at + 2}: parse error: unexpected ${describe(text, at + 1)}`);
  return { ...labelSet(pairs), ...(duplicate === undefined ? {} : { duplicate }) };
}

/** The label set of these pairs: empty values removed, names sorted. */
export function labelSet(pairs: Iterable<readonly [string, string]>): LabelSet {
  const sorted = [...pairs].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    labels: Object.fromEntries(sorted),
    pairs: sorted,
    canonical: `{${sorted.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ')}}`,
  };
}

type Read = { readonly value: string; readonly next: number } | { readonly problem: string };

function readPair(text: string, at: number): { name: string; value: string; next: number } | { problem: string } {
  name.lastIndex = at;
  const found = name.exec(text)?.[0];
  if (found === undefined)
    return { problem: `1:${at + 1}: parse error: unexpected ${describe(text, at)} in label matching` };
  const equals = skip(text, at + found.length);
  if (text[equals] !== '=' || text[equals + 1] === '~') {
    return {
      problem: `1:${equals + 1}: parse error: unexpected ${describe(text, equals)} in label matching, expected "="`,
    };
  }
  const value = readValue(text, skip(text, equals + 1));
  return 'problem' in value ? value : { name: found, ...value };
}

function readValue(text: string, at: number): Read {
  const quote = text[at];
  if (quote === '`') {
    const end = text.indexOf('`', at + 1);
    return end < 0 ? unterminated(at) : { value: text.slice(at + 1, end), next: end + 1 };
  }
  if (quote !== '"' && quote !== "'")
    return { problem: `1:${at + 1}: parse error: unexpected ${describe(text, at)}, expected string` };
  let value = '';
  let position = at + 1;
  for (;;) {
    const character = text[position];
    if (character === undefined || character === '\n') return unterminated(at);
    if (character === quote) return { value, next: position + 1 };
    if (character !== '\\') {
      value += character;
      position++;
      continue;
    }
    const escaped = readEscape(text, position + 1, quote);
    if ('problem' in escaped) return escaped;
    value += escaped.value;
    position = escaped.next;
  }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const numericEscape = /x([0-7][0-9a-fA-F])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([01][0-7]{2})/y;

function readEscape(text: string, at: number, quote: string): Read {
  const character = text[at] ?? '';
  if (character === quote) return { value: quote, next: at + 1 };
  const simple = simpleEscapes[character];
  if (simple !== undefined) return { value: simple, next: at + 1 };
  numericEscape.lastIndex = at;
  const found = numericEscape.exec(text);
  if (found === null)
    return { problem: `1:${at + 1}: parse error: unknown escape sequence U+${character.codePointAt(0)?.toString(16)}` };
  const octal = found[4];
  const code =
    octal === undefined ? Number.parseInt(found[1] ?? found[2] ?? found[3] ?? '', 16) : Number.parseInt(octal, 8);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code === 0xfffd) {
    return {
      problem: `1:${at + 1}: parse error: escape sequence is an invalid Unicode code point U+${code.toString(16)}`,
    };
  }
  return { value: String.fromCodePoint(code), next: at + found[0].length };
}

function unterminated(at: number): { problem: string } {
  return { problem: `1:${at + 1}: parse error: unterminated quoted string` };
}

function skip(text: string, at: number): number {
  blanks.lastIndex = at;
  blanks.exec(text);
  return blanks.lastIndex;
}

function describe(text: string, at: number): string {
  const character = text[at];
  return character === undefined ? 'end of input' : `character: ${JSON.stringify(character)}`;
}
