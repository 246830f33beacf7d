// Reader of the snappy block format, written for the fake Loki alone.
// It shares no code with the library that the extension encodes with, so that a mistake on one side cannot hide
// behind the same mistake on the other.
// Format: https://github.com/google/snappy/blob/main/format_description.txt

const maxUncompressedBytes = 256 * 1024 * 1024;

/** Decodes one block; `undefined` when the input is not a complete, exact block (Loki: `snappy: corrupt input`). */
export function decodeSnappyBlock(input: Uint8Array): Buffer | undefined {
  const header = readLength(input);
  if (header === undefined || header.length > maxUncompressedBytes) return undefined;
  const output = Buffer.alloc(header.length);
  let from = header.next;
  let to = 0;
  while (from < input.length) {
    const element = readElement(input, from);
    if (element === undefined || to + element.length > output.length) return undefined;
    if (element.offset === 0) {
      const end = element.next + element.length;
      if (end > input.length) return undefined;
      output.set(input.subarray(element.next, end), to);
      from = end;
    } else {
      if (element.offset > to) return undefined;
      copyWithin(output, to, element.offset, element.length);
      from = element.next;
    }
    to += element.length;
  }
  return to === output.length ? output : undefined;
}

interface Element {
  readonly length: number;
  /** Distance back for a copy, 0 for a literal. */
  readonly offset: number;
  readonly next: number;
}

function readLength(input: Uint8Array): { length: number; next: number } | undefined {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = input[index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { length, next: index + 1 };
  }
  return undefined;
}

function readElement(input: Uint8Array, at: number): Element | undefined {
  const tag = input[at] ?? 0;
  const kind = tag & 3;
  if (kind === 0) return readLiteral(input, at, tag >> 2);
  if (kind === 1) {
    const low = input[at + 1];
    return low === undefined ? undefined : copy(((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | low, at + 2);
  }
  const offset = littleEndian(input, at + 1, kind === 2 ? 2 : 4);
  return offset === undefined ? undefined : copy((tag >> 2) + 1, offset, at + (kind === 2 ? 3 : 5));
}

function copy(length: number, offset: number, next: number): Element | undefined {
  return offset === 0 ? undefined : { length, offset, next };
}

function readLiteral(input: Uint8Array, at: number, code: number): Element | undefined {
  if (code < 60) return { length: code + 1, offset: 0, next: at + 1 };
  const width = code - 59;
  const length = littleEndian(input, at + 1, width);
  return length === undefined ? undefined : { length: length + 1, offset: 0, next: at + 1 + width };
}

function littleEndian(input: Uint8Array, at: number, width: number): number | undefined {
  if (at + width > input.length) return undefined;
  let value = 0;
  for (let index = width - 1; index >= 0; index--) value = value * 256 + (input[at + index] ?? 0);
  return value;
}

/** A copy may overlap what it writes: a run is then repeated, so bytes go one at a time. */
function copyWithin(output: Buffer, to: number, offset: number, length: number): void {
  if (offset >= length) {
    output.copyWithin(to, to - offset, to - offset + length);
    return;
  }
  for (let index = 0; index < length; index++) output[to + index] = output[to + index - offset] ?? 0;
}
