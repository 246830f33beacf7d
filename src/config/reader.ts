// What all settings have in common: how their text is read, and how a problem is reported.

import type { SettingName } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads settings, and collects their problems. */
export interface SettingReader {
  /**
   * The value without surrounding white space and quotes; undefined if it is not set or empty. A reference is replaced
   * by the secret that it refers to.
   */
  text(name: SettingName): string | undefined;
  /** Resolves a value that may be a reference; undefined if it cannot be used. */
  dereference(name: SettingName, value: string): string | undefined;
  /** `message` continues after the variable's name. It must not contain a secret. */
  warn(variable: SettingName, message: string): void;
  fail(variable: SettingName, message: string): void;
}

/** One of several `name=value` in a setting, both trimmed. */
export interface Pair {
  readonly key: string;
  /** Undefined if there was no `=`, or if the JSON value is neither a string, a number nor a boolean. */
  readonly value: string | undefined;
}

/**
 * Reads `name=value,name2=value2`, or a JSON object. A line break counts as a comma. Empty pairs, such as after a
 * trailing comma, are skipped.
 * @param isName whether a text is a valid name; if given, a `;` between two pairs counts as a comma too
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

/** Formats a value for a message: in quotes, on one line, and not too long. */
export function quoted(value: string | undefined): string {
  const text = value ?? '';
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}

/** The text without surrounding white space; undefined if nothing is left. */
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
