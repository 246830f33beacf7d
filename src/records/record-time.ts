// Reads the `time` of a record. The platform promises ISO 8601 with milliseconds; other precisions and notations are
// accepted too, because a line stamped with its own time is worth more than one stamped with the time of receipt.
import { copyOf } from '../byte-string.ts';
import type { Instant } from '../time.ts';

/**
 * Date and time, an optional fraction after `.`, `,` or `:`, an optional zone. Without a zone it is UTC: Lambda knows
 * no other.
 */
const ISO_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,:](\d{1,9})\d*)?\s?(Z|[+-]\d\d:?\d\d)?$/i;

export type TimeReader = (time: unknown) => Instant | undefined;

/**
 * Makes a reader that remembers the last second it parsed: records come in order, and `Date.parse` costs more than the
 * rest of a record. An ISO text or a number of epoch milliseconds is read; anything else is undefined.
 */
export function createTimeReader(): TimeReader {
  let lastSecond = '';
  let lastSecondMs = 0;

  return (time) => {
    if (typeof time === 'number') return fromNumber(time);
    if (typeof time !== 'string') return undefined;
    // The promised form, `2026-01-05T10:00:00.118Z`, in a second that was parsed before.
    if (time.length === 24 && time.charCodeAt(23) === 90 && time.charCodeAt(19) === 46 && time.startsWith(lastSecond)) {
      const ms = digit(time, 20) * 100 + digit(time, 21) * 10 + digit(time, 22);
      if (lastSecond !== '' && ms >= 0) return { ms: lastSecondMs + ms, nanos: 0 };
    }
    const instant = parse(time);
    if (instant && time.length === 24 && time.endsWith('Z')) {
      lastSecond = copyOf(time.slice(0, 19));
      lastSecondMs = Math.floor(instant.ms / 1000) * 1000;
    }
    return instant;
  };
}

/** @returns NaN for anything but a digit, which no sum of digits survives */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

function parse(time: string): Instant | undefined {
  const match = ISO_TIME.exec(time.trim());
  if (!match) return undefined;
  const [, date, clock, fraction = '', zone = 'Z'] = match;
  const secondMs = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  if (!isStorable(secondMs)) return undefined;
  const nanos = Number(fraction.padEnd(9, '0'));
  return { ms: secondMs + Math.floor(nanos / 1e6), nanos: nanos % 1e6 };
}

function fromNumber(time: number): Instant | undefined {
  const ms = Math.floor(time);
  return isStorable(ms) ? { ms, nanos: Math.floor((time - ms) * 1e6) } : undefined;
}

/** Loki refuses a whole request for one timestamp before 1970 or past the year 9999. */
function isStorable(ms: number): boolean {
  return ms >= 0 && ms <= 253_402_300_799_000;
}
