// Log lines for floods: the mixture that functions really print, the same for the same seed.
// Lines are about 120 bytes on average: Node's text form, JSON, plain text, other scripts, and equal lines in a row.

/** A pseudo-random number generator (mulberry32): numbers from 0 up to 1, the same sequence for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface LineOptions {
  readonly seed?: number;
  /** Stands in the lines that carry a request id. */
  readonly requestId?: string;
}

/** `count` lines, without newlines at their ends. About one in twenty repeats the line before it. */
export function generateLines(count: number, options: LineOptions = {}): readonly string[] {
  const random = seededRandom(options.seed ?? 1);
  const requestId = options.requestId ?? '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
  const lines: string[] = [];
  for (let index = 0; index < count; index++) {
    const before = lines.at(-1);
    if (before !== undefined && random() < 0.05) lines.push(before);
    else lines.push(kinds[Math.floor(random() * kinds.length)]?.(index, random, requestId) ?? '');
  }
  return lines;
}

/** One line of exactly `bytes` bytes of UTF-8, `bytes` at least 4; two-byte characters in the middle. */
export function lineOfBytes(bytes: number, mark = 'x'): string {
  const wide = Math.floor((bytes - 2) / 4);
  const narrow = bytes - 2 * wide;
  return mark.repeat(Math.ceil(narrow / 2)) + 'é'.repeat(wide) + mark.repeat(Math.floor(narrow / 2));
}

type Kind = (index: number, random: () => number, requestId: string) => string;

const levels = ['DEBUG', 'INFO', 'INFO', 'INFO', 'WARN', 'ERROR'];
const words = [
  'order',
  'payment',
  'shipped',
  'cache',
  'miss',
  'retry',
  'customer',
  'invoice',
  'queue',
  'latency',
  'token',
];
const scripts = [
  'Stückpreis für „Käse“ fehlt',
  '価格不明の注文',
  '🧀🚚 unterwegs',
  'مرحبا بالعالم',
  'цена не указана',
  'ñandú à l’œuvre',
];

const nodeText: Kind = (index, random, requestId) =>
  `${stamp(index)}\t${requestId}\t${pick(levels, random)}\t${sentence(random, 8)}, item ${index}`;
const json: Kind = (index, random, requestId) =>
  JSON.stringify({
    level: pick(levels, random).toLowerCase(),
    time: 1767600000000 + index,
    msg: sentence(random, 4),
    requestId,
    n: index,
  });
const plain: Kind = (index, random) => `${index} ${sentence(random, 15)} took ${(random() * 1000).toFixed(3)} ms`;
const unicode: Kind = (index, random) =>
  `${index} ${pick(scripts, random)} | ${sentence(random, 9)} | ${pick(scripts, random)}`;
const multiLine: Kind = (index, random) =>
  `Error: ${sentence(random, 4)} ${index}\n    at handler (/var/task/index.js:${index % 500}:17)\n    at async Runtime.handleOnce`;
const logfmt: Kind = (index, random) =>
  `level=${pick(levels, random).toLowerCase()} msg="${sentence(random, 9)}" n=${index} path=/v1/items/${Math.floor(random() * 1e6)}`;

const kinds: readonly Kind[] = [nodeText, nodeText, nodeText, json, json, plain, plain, unicode, multiLine, logfmt];

function stamp(index: number): string {
  return new Date(1767600000000 + index).toISOString();
}

function sentence(random: () => number, length: number): string {
  return Array.from({ length }, () => pick(words, random)).join(' ');
}

function pick(list: readonly string[], random: () => number): string {
  return list[Math.floor(random() * list.length)] ?? '';
}
