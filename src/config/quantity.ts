// Numbers as people write them: with a unit, or without one; then the setting's own unit is meant.

/** Each unit as a multiple of the setting's unit. */
const UNITS = {
  ms: { ms: 1, s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000 },
  bytes: {
    ...{ b: 1, byte: 1, bytes: 1, kb: 1_000, mb: 1_000_000, gb: 1_000_000_000 },
    ...{ kib: 1_024, mib: 1_048_576, gib: 1_073_741_824 },
  },
  port: {},
} as const;

/** NaN if it is not a whole number of the unit. `5s` and `1.5s` are 5000 and 1500 ms, `512KiB` is 524288 bytes. */
export function parseQuantity(text: string, unit: keyof typeof UNITS): number {
  if (/^\d+$/.test(text)) return Number(text);
  const [, number = '', name = ''] = /^(\d{1,12}(?:\.\d{1,9})?) *([a-z]+)$/i.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = UNITS[unit];
  const quantity =
    Number(number) * (Object.hasOwn(factors, name.toLowerCase()) ? (factors[name.toLowerCase()] ?? 0) : Number.NaN);
  return Number.isInteger(quantity) ? quantity : Number.NaN;
}
