// JSON in which every number keeps its digits. A log line that is an object is sent as JSON again, and a 64-bit id of it must not come
// out as the nearest double: `JSON.parse` alone turns 12345678901234567890 into 12345678901234567000.

/** What may hide a number that a double does not hold: sixteen digits or more, or an exponent. It may be inside a text, too. */
const SUSPECT_NUMBER = /[[:,]\s*-?(?:\d[\d.]{15}|\d[\d.]*[eE])/;

/** The proposal `JSON.parse source text access`, which V8 has and TypeScript's library does not know yet. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const sourceTextJson = JSON as unknown as SourceTextJson;

/**
 * What `JSON.parse` has made of a text, a record or a list of them, but with all digits. Only a record that is no text is written as
 * JSON again; few records of the Logs API are, so this costs little there.
 */
export function withAllDigits<T>(value: T, text: string): T {
  const isSuspect = Array.isArray(value) ? value.some(mayHaveLostDigits) : mayHaveLostDigits(value);
  return isSuspect ? (parseExactly(text) as T) : value;
}

function mayHaveLostDigits(record: unknown): boolean {
  if (typeof (record as { record?: unknown } | null)?.record === 'string') return false;
  // A number that was too long is still long when it has been rounded; one that was too large is null.
  try {
    const json = JSON.stringify(record) ?? '';
    return mayLoseDigits(json) || json.includes(':null');
  } catch {
    // Nested too deep to be written again at all.
    return false;
  }
}

/** Whether `parseExactly` could differ from `JSON.parse`, which is five times faster. */
export function mayLoseDigits(text: string): boolean {
  return SUSPECT_NUMBER.test(text);
}

/**
 * Like `JSON.parse`, but a number that would not be written back as it was becomes an object that `JSON.stringify` writes as it was.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  return sourceTextJson.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && losesDigits(value, source)
      ? sourceTextJson.rawJSON(source)
      : value,
  );
}

/** `1.0` and `1e3` lose nothing as `1` and `1000`; a number beyond 2^53 or with more digits than a double does. */
function losesDigits(value: number, source: string): boolean {
  return !Number.isFinite(value) || digitsOf(String(value)) !== digitsOf(source);
}

/** The significant digits, without sign, point, exponent and the zeros at both ends. */
function digitsOf(number: string): string {
  return number
    .replace(/[eE].*$/, '')
    .replace(/[^\d]/g, '')
    .replace(/^0+|0+$/g, '');
}
