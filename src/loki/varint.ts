// Varints, the lengths of protobuf and snappy: seven bits per byte, the lowest first.

/** How many bytes it takes. */
export function varintBytes(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  if (value < 2 ** 28) return 4;
  return value < 2 ** 35 ? 5 : 6;
}

/** @returns where it ends */
export function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value;
  let end = at;
  // Without bit operators where there are more than 31 bits: seconds reach past them in the year 2038.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) target[end++] = (rest % 128) | 128;
  let bits = rest | 0;
  for (; bits > 127; bits >>= 7) target[end++] = (bits & 127) | 128;
  target[end++] = bits;
  return end;
}
