// Reads the variables of settings, and replaces references by the secrets they refer to. Boot code, because it knows
// the table of all settings.
import { isArn, parseReference, type Reference } from '../aws/reference.ts';
import { type Environment, quoted, type SettingReader, trimmed } from './reader.ts';
import { type SETTINGS, type SettingName, settingOf } from './settings.ts';

interface Found {
  readonly problem: (level: 'error' | 'warn', variable: SettingName, message: string) => void;
  /** Reports that a setting refers to a secret. */
  readonly reference: (reference: Reference, variable: SettingName) => void;
}

/**
 * A placeholder for a value that is not known yet, in a form that every setting accepts. Nothing made from it may be
 * used.
 */
export const NOT_YET = { LOKI_PUSH_ENDPOINT: 'https://not-yet.invalid', other: 'not-yet' };

/** @param values the fetched secrets, by the text of their reference; undefined if not known yet */
export function createReader(
  env: Environment,
  values: ReadonlyMap<string, string> | undefined,
  found: Found,
): SettingReader {
  const note = (level: 'error' | 'warn') => (variable: SettingName, message: string) =>
    found.problem(level, variable, `${variable} ${message}`);
  const refused = new Set<string>();
  const unquoted = new Set<string>();

  function dereference(name: SettingName, value: string): string | undefined {
    if (!isArn(value)) return value;
    const reference = parseReference(value);
    if (reference !== undefined) {
      found.reference(reference, name);
      if (values !== undefined) return trimmed(values.get(value));
      return name === 'LOKI_PUSH_ENDPOINT' ? NOT_YET[name] : NOT_YET.other;
    }
    const isNeeded = name === 'LOKI_PUSH_ENDPOINT';
    // A setting may be read more than once.
    if (!refused.has(name)) {
      if (isNeeded) note('error')(name, `${NO_SECRET}: no logs are sent`);
      else note('warn')(name, `${NO_SECRET}; it is not used`);
    }
    refused.add(name);
    return isNeeded ? value : undefined;
  }

  return {
    text(name) {
      const typed = trimmed(env[name]);
      const value = typed && withoutQuotes(typed);
      // A setting may be read more than once.
      if (value !== typed && !unquoted.has(name)) {
        note('warn')(name, QUOTED);
        unquoted.add(name);
      }
      return value !== undefined && 'byReference' in settingOf(name) ? dereference(name, value) : value;
    },
    dereference,
    warn: note('warn'),
    fail: note('error'),
  };
}

const QUOTED = 'has quotes around its value, which a shell would take off and Lambda does not; they are taken off';
const NO_SECRET = 'holds an ARN that is neither of a Secrets Manager secret nor of an SSM parameter';

type SwitchName = Extract<(typeof SETTINGS)[number], { kind: 'switch' }>['name'];

export function readSwitch(reader: SettingReader, name: SwitchName): boolean {
  const fallback = settingOf(name).default;
  const value = reader.text(name) ?? fallback;
  const word = value.toLowerCase();
  if (word === 'true' || word === '1' || word === 'yes' || word === 'on') return true;
  if (word === 'false' || word === '0' || word === 'no' || word === 'off') return false;
  reader.warn(name, `is neither true nor false: ${quoted(value)}; using ${fallback}`);
  return fallback === 'true';
}

/** Quotes in the middle mean that not the whole value is quoted. Some quotes come from a word processor. */
export function withoutQuotes(value: string): string | undefined {
  const [, , plain, typographic = plain] =
    /^(?:(["'])((?:(?!\1).)*)\1|[\u201c\u2018\u201e]([^\u2018-\u201e]*)[\u2018-\u201d])$/s.exec(value) ?? [];
  return typographic === undefined ? value : trimmed(typographic);
}
