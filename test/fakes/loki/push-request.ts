// Reader of the push request (protobuf), written for the fake Loki alone; field numbers after Loki's `push.proto`.
// Unknown fields are skipped, as proto3 demands. Strings must be valid UTF-8: real Loki stores broken lines and garbles
// them in queries, this reader refuses them, because a shipper has no reason ever to send one.

/** One entry as it was on the wire. */
export interface WireEntry {
  readonly seconds: bigint;
  readonly nanos: number;
  readonly line: string;
  readonly lineBytes: number;
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

export interface WireStream {
  /** The label set as text, `{name="value"}`. */
  readonly labels: string;
  readonly entries: readonly WireEntry[];
}

/** Decodes an uncompressed push request, or says in words what is wrong with it. */
export function decodePushRequest(bytes: Uint8Array): readonly WireStream[] | { readonly problem: string } {
  try {
    const streams: WireStream[] = [];
    const reader = new Reader(bytes);
    while (reader.more()) {
      const field = reader.tag();
      if (field.number === 1 && field.wireType === 2) streams.push(decodeStream(reader.message()));
      else reader.skip(field.wireType);
    }
    return streams;
  } catch (error) {
    if (error instanceof MalformedMessage) return { problem: error.message };
    throw error;
  }
}

function decodeStream(reader: Reader): WireStream {
  let labels = '';
  const entries: WireEntry[] = [];
  while (reader.more()) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === 2) labels = reader.text();
    else if (number === 2 && wireType === 2) entries.push(decodeEntry(reader.message()));
    else reader.skip(wireType);
  }
  return { labels, entries };
}

/** What an absent timestamp decodes to: the start of year 1. */
const yearOneSeconds = -62_135_596_800n;
const yearTenThousandSeconds = 253_402_300_800n;

function decodeEntry(reader: Reader): WireEntry {
  let time: { seconds: bigint; nanos: number } = { seconds: yearOneSeconds, nanos: 0 };
  let line = '';
  let lineBytes = 0;
  const metadata: [string, string][] = [];
  while (reader.more()) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === 2) time = decodeTimestamp(reader.message());
    else if (number === 2 && wireType === 2) {
      const before = reader.position;
      line = reader.text();
      lineBytes = reader.lastTextBytes(before);
    } else if (number === 3 && wireType === 2) metadata.push(decodePair(reader.message()));
    else reader.skip(wireType);
  }
  return { ...time, line, lineBytes, metadata };
}

function decodeTimestamp(reader: Reader): { seconds: bigint; nanos: number } {
  let seconds = 0n;
  let nanos = 0n;
  while (reader.more()) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === 0) seconds = BigInt.asIntN(64, reader.varint64());
    else if (number === 2 && wireType === 0) nanos = BigInt.asIntN(64, reader.varint64());
    else reader.skip(wireType);
  }
  if (nanos < 0n || nanos > 999_999_999n) {
    throw new MalformedMessage(`timestamp: seconds:${seconds} nanos:${nanos}: nanos not in range [0, 1e9)`);
  }
  if (seconds >= yearTenThousandSeconds) {
    throw new MalformedMessage(`timestamp: seconds:${seconds} nanos:${nanos}: after 10000-01-01`);
  }
  return { seconds, nanos: Number(nanos) };
}

function decodePair(reader: Reader): [string, string] {
  let name = '';
  let value = '';
  while (reader.more()) {
    const { number, wireType } = reader.tag();
    if (number === 1 && wireType === 2) name = reader.text();
    else if (number === 2 && wireType === 2) value = reader.text();
    else reader.skip(wireType);
  }
  return [name, value];
}

class MalformedMessage extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over one message. Invariant: `position` never passes `end`; reading past it throws `MalformedMessage`. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.position = start;
    this.#end = end;
  }

  more(): boolean {
    return this.position < this.#end;
  }

  tag(): { number: number; wireType: number } {
    const tag = this.#varint();
    if (tag < 8) throw new MalformedMessage('proto: illegal tag 0');
    return { number: Math.floor(tag / 8), wireType: tag % 8 };
  }

  message(): Reader {
    const end = this.#sliceEnd();
    const reader = new Reader(this.#bytes, this.position, end);
    this.position = end;
    return reader;
  }

  text(): string {
    const end = this.#sliceEnd();
    const slice = this.#bytes.subarray(this.position, end);
    this.position = end;
    try {
      return utf8.decode(slice);
    } catch {
      throw new MalformedMessage('proto: string field contains invalid UTF-8');
    }
  }

  /** Bytes of the text that was just read, when its length prefix began at `before`. */
  lastTextBytes(before: number): number {
    let prefix = 1;
    while ((this.#bytes[before + prefix - 1] ?? 0) >= 0x80) prefix++;
    return this.position - before - prefix;
  }

  varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessage('proto: integer overflow');
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint64();
    else if (wireType === 1) this.#advance(8);
    else if (wireType === 2) this.position = this.#sliceEnd();
    else if (wireType === 5) this.#advance(4);
    else throw new MalformedMessage(`proto: illegal wireType ${wireType}`);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedMessage('proto: integer overflow');
  }

  #sliceEnd(): number {
    const length = this.#varint();
    if (this.position + length > this.#end) throw new MalformedMessage('unexpected EOF');
    return this.position + length;
  }

  #byte(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined || this.position >= this.#end) throw new MalformedMessage('unexpected EOF');
    this.position++;
    return byte;
  }

  #advance(count: number): void {
    if (this.position + count > this.#end) throw new MalformedMessage('unexpected EOF');
    this.position += count;
  }
}
