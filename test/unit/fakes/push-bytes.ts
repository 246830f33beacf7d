// Push requests built byte by byte, for the tests of the fake Loki: no library and nothing of src/ is involved.

export interface Entry {
  readonly line: string;
  readonly timestampNs: bigint;
  readonly metadata: readonly (readonly [string, string])[];
}

export interface Stream {
  readonly labels: string;
  readonly entries: readonly Entry[];
}

/** The uncompressed protobuf message of these streams. */
export function pushRequest(streams: readonly Stream[]): Buffer {
  return Buffer.concat(
    streams.map((stream) => field(1, Buffer.concat([text(1, stream.labels), ...stream.entries.map(entryField)]))),
  );
}

/** A snappy block that holds literals alone: the smallest correct encoding. */
export function snappyLiterals(raw: Uint8Array): Buffer {
  const pieces = [varint(BigInt(raw.length))];
  for (let at = 0; at < raw.length; at += 65_536) {
    const piece = raw.subarray(at, at + 65_536);
    const last = piece.length - 1;
    pieces.push(last < 60 ? Buffer.from([last << 2]) : Buffer.from([0xf4, last & 255, last >> 8]), Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

function entryField(entry: Entry): Buffer {
  const seconds = entry.timestampNs / 1_000_000_000n;
  const time = Buffer.concat([
    Buffer.from([0x08]),
    varint(seconds),
    Buffer.from([0x10]),
    varint(entry.timestampNs % 1_000_000_000n),
  ]);
  const pairs = entry.metadata.map(([name, value]) => field(3, Buffer.concat([text(1, name), text(2, value)])));
  return field(2, Buffer.concat([field(1, time), text(2, entry.line), ...pairs]));
}

function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value));
}

function field(number: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
