// What all settings have in common: how their text is read, and how a problem with one is told.

import type { SettingName } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads settings, and collects what is wrong with them. */
export interface SettingReader {
  /**
   * The value without white space and quotes around it; undefined if it is not set or empty. In the place of a
   * reference stands what it refers to.
   */
  text(name: SettingName): string | undefined;
  /** What a value stands for that may be a reference; undefined for one that is of no use. */
  dereference(name: SettingName, value: string): string | undefined;
  /** `message` goes on where the variable's name ends. It must not hold a secret. */
  warn(variable: SettingName, message: string): void;
  fail(variable: SettingName, message: string): void;
}

/** One of several `name=value` in a setting, both trimmed. */
export interface Pair {
  readonly key: string;
  /** Undefined: there was no `=`, or the JSON value is neither text nor a number nor a truth value. */
  readonly value: string | undefined;
}

/**
 * Reads `name=value,name2=value2`, or a JSON object. A line break is as good as a comma. Empty pairs, as from a comma
 * at the end, are passed over.
 * @param isName where names tell, `;` is taken for a comma between pairs
 */
export function readPairs(reader: SettingReader, name: SettingName, isName?: (text: string) => boolean): Pair[] {
  const text = reader.text(name);
  if (text === undefined) return [];
  if (text.startsWith('{')) {
    const object = parseObject(text);
    if (object) return Object.entries(object).map(([key, value]) => ({ key: key.trim(), value: textOf(value) }));
    reader.warn(name, 'begins like a JSON object but is none; it is not used');
    return [];
  }
  const pairs = pairsIn(text, /[,\r\n]+/);
  const bySemicolon = isName && text.includes(';') ? pairsIn(text, /[,;\r\n]+/) : pairs;
  if (
    bySemicolon.length === pairs.length ||
    !bySemicolon.every(({ key, value }) => value !== undefined && isName?.(key))
  ) {
    return pairs;
  }
  reader.warn(name, `has ; between its pairs where a comma belongs; ${bySemicolon.length} pairs are read`);
  return bySemicolon;
}

function pairsIn(text: string, separator: RegExp): Pair[] {
  const pairs: Pair[] = [];
  for (const part of text.split(separator)) {
    const at = part.indexOf('=');
    if (at >= 0) pairs.push({ key: part.slice(0, at).trim(), value: part.slice(at + 1).trim() });
    else if (part.trim() !== '') pairs.push({ key: part.trim(), value: undefined });
  }
  return pairs;
}

/** A value as a message shows it: in quotes, on one line, and not too long. */
export function quoted(value: string | undefined): string {
  const text = value ?? '';
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}

/** The text without white space around it; undefined if nothing is left. */
export function trimmed(value: string | undefined): string | undefined {
  return value?.trim() || undefined;
}

function parseObject(text: string): object | undefined {
  try {
    return JSON.parse(text) as object; // it begins with a brace, so it is an object or an error
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
