// Reads HTTP/1.1 messages from the bytes of a connection: the Runtime API's answers, and the bodies that the platform
// posts to the listener. Not node:http, which takes 0.4 MB in every sandbox and whose server costs 0.1 ms more CPU per
// body: 45.5 against 41.2 ms per MB of log text in bodies of 100 lines, and an invocation was held for 2.65 instead of
// 2.43 ms.
// https://www.rfc-editor.org/rfc/rfc9112#section-6
import { free } from '../memory.ts';
import { type BodyLength, bodyLength, type HttpHead, isInterim, parseHead, type Side } from './http-head.ts';

export interface HttpMessage extends HttpHead {
  /** It keeps no more than twice its bytes in memory; undefined when it was too large to be kept, or not wanted. */
  readonly body: Buffer | undefined;
}

export interface HttpReader {
  /**
   * Takes the next bytes, which are the reader's from then on.
   * @throws Error when they are no HTTP/1.1; nothing that follows on this connection can be read then
   */
  read(piece: Buffer): void;
  /** The other side sends no more: the end of a response that does not state its length. */
  end(): void;
  /** Bytes of a body that is not complete. */
  heldBytes(): number;
  /** Gives their memory back: the rest of it will not come. */
  giveUp(): void;
}

export interface HttpReaderParts {
  /** A side that takes the one for the other reads what nobody has sent. */
  readonly reads: Side;
  readonly maxBodyBytes: number;
  /** Is told of a message before its body has come. @returns false when the body is not wanted */
  readonly onHead?: (head: HttpHead) => boolean;
  /** Is given each message that is complete, interim responses aside. */
  readonly onMessage: (message: HttpMessage) => void;
}

/** Four times what Node.js takes; a trailer is not longer either, nor what stands behind the size of a chunk. */
const MAX_HEAD_BYTES = 65_536;
const NOTHING: Buffer = Buffer.alloc(0);

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SEMICOLON = 0x3b;

const BARE_LF = 'lines that end without a carriage return';

type Part =
  | 'head'
  | 'body'
  | 'chunk'
  | 'trailer'
  // What frames the chunks: `5;extension\r\nhello\r\n`.
  | 'chunk size'
  | 'chunk extension'
  | 'chunk size LF'
  | 'chunk end CR'
  | 'chunk end LF';

export function createHttpReader({ reads, maxBodyBytes, onHead, onMessage }: HttpReaderParts): HttpReader {
  let part: Part = 'head';
  let head: HttpHead = { startLine: '', status: undefined, headers: new Map() };
  let body: Body | undefined;
  /** Bytes of the body or of the chunk that are still to come. */
  let bytesLeft = 0;
  /** The beginning of a head or of a trailer. */
  let beginning = NOTHING;
  /** Characters of the line that frames a chunk. */
  let lineLength = 0;

  function readHead(text: string): void {
    head = parseHead(text, reads);
    const length = bodyLength(head);
    const isWanted = onHead?.(head) ?? true;
    if (isInterim(head)) return;
    body = collectBody(isWanted ? maxBodyBytes : -1, length);
    if (length === 'chunked') {
      part = 'chunk end LF';
      beginChunk();
    } else {
      part = 'body';
      bytesLeft = length;
      if (length === 0) complete();
    }
  }

  function beginChunk(): void {
    part = 'chunk size';
    bytesLeft = 0;
    lineLength = 0;
  }

  function complete(): void {
    part = 'head';
    const message = { ...head, body: body?.finish() };
    body = undefined;
    onMessage(message);
  }

  /** @returns what is left of the piece */
  function readBody(piece: Buffer): Buffer {
    const bytes = Math.min(bytesLeft, piece.length);
    const rest = piece.subarray(bytes);
    bytesLeft -= bytes;
    body?.add(rest.length === 0 ? piece : piece.subarray(0, bytes));
    if (bytesLeft === 0) {
      if (part === 'chunk') part = 'chunk end CR';
      else complete();
    }
    return rest;
  }

  /**
   * Byte by byte: a body may come in chunks of one byte. @returns what is left of the piece behind what frames a chunk
   */
  function readFrame(piece: Buffer): Buffer {
    let at = 0;
    while (at < piece.length && part !== 'chunk' && part !== 'trailer') {
      const code = piece[at++] as number;
      if (part === 'chunk size') readSize(code);
      else if (part === 'chunk extension') {
        if (code === CR) part = 'chunk size LF';
        else if (code === LF || ++lineLength > MAX_HEAD_BYTES)
          throw new Error('not what may follow the size of a chunk');
      } else if (part === 'chunk end CR') part = expect(code, CR, 'chunk end LF');
      else if (part === 'chunk end LF') {
        expect(code, LF, part);
        beginChunk();
      } else part = expect(code, LF, bytesLeft === 0 ? 'trailer' : 'chunk');
    }
    return piece.subarray(at);
  }

  function readSize(code: number): void {
    const digit = hexDigit(code);
    const isFirst = lineLength === 0;
    if (digit >= 0 && lineLength < 8) {
      bytesLeft = bytesLeft * 16 + digit;
      lineLength++;
    } else if (!isFirst && code === CR) part = 'chunk size LF';
    else if (!isFirst && (code === SEMICOLON || code === SPACE || code === TAB)) part = 'chunk extension';
    else throw new Error('not the size of a chunk');
  }

  /** @returns what is left of the piece behind a head, or behind a line of the trailer */
  function readLines(piece: Buffer): Buffer {
    let bytes = beginning.length === 0 ? piece : Buffer.concat([beginning, piece]);
    const isHead = part === 'head';
    // Some clients send an empty line behind a body: https://www.rfc-editor.org/rfc/rfc9112#section-2.2-6
    while (isHead && reads === 'requests' && bytes[0] === CR && bytes[1] === LF) bytes = bytes.subarray(2);
    const terminator = isHead ? '\r\n\r\n' : '\r\n';
    const end = bytes.indexOf(terminator);
    if (end === -1) {
      if (bytes.length > MAX_HEAD_BYTES) throw new Error('a head that is too long');
      if (bytes.includes('\n\n')) throw new Error(BARE_LF);
      beginning = bytes;
      return NOTHING;
    }
    beginning = NOTHING;
    const text = bytes.toString('latin1', 0, end);
    if (isHead) readHead(text);
    else if (text === '') complete();
    else if (text.includes('\n')) throw new Error(BARE_LF);
    return bytes.subarray(end + terminator.length);
  }

  return {
    read(piece) {
      let rest = piece;
      while (rest.length > 0) {
        if (part === 'body' || part === 'chunk') rest = readBody(rest);
        else rest = part === 'head' || part === 'trailer' ? readLines(rest) : readFrame(rest);
      }
    },
    end() {
      if (part === 'body' && bytesLeft === Number.POSITIVE_INFINITY) complete();
    },
    heldBytes: () => body?.heldBytes() ?? 0,
    giveUp() {
      body?.giveUp();
      body = undefined;
    },
  };
}

function expect(code: number, expected: number, next: Part): Part {
  if (code !== expected) throw new Error('not the end of a line between chunks');
  return next;
}

/** @returns -1 for what is none */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

interface Body {
  add(piece: Buffer): void;
  finish(): Buffer | undefined;
  heldBytes(): number;
  giveUp(): void;
}

/** The first memory of a body whose length is not known; doubled as often as that is needed. */
const INITIAL_BYTES = 4_096;

function collectBody(maxBytes: number, length: BodyLength): Body {
  const knownBytes = typeof length === 'number' && Number.isFinite(length) ? length : undefined;
  /** Where the body is put together from its pieces. */
  let whole = NOTHING;
  let bytes = 0;
  const isTooLarge = () => (knownBytes ?? bytes) > maxBytes;

  function makeRoom(): void {
    if (whole.length >= bytes) return;
    const capacity = knownBytes ?? Math.min(maxBytes, Math.max(INITIAL_BYTES, 2 * bytes));
    const larger = Buffer.allocUnsafeSlow(capacity);
    larger.set(whole);
    if (whole.length > 0) free(whole.buffer);
    whole = larger;
  }

  function giveUp(): void {
    if (whole.length > 0) free(whole.buffer);
    whole = NOTHING;
  }

  return {
    add(piece) {
      const start = bytes;
      bytes += piece.length;
      if (isTooLarge()) giveUp();
      else if (piece.length === knownBytes && piece.buffer.byteLength <= 2 * piece.length) whole = piece;
      else {
        makeRoom();
        whole.set(piece, start);
        if (piece.length === piece.buffer.byteLength) free(piece.buffer);
      }
    },
    finish() {
      if (isTooLarge()) return undefined;
      if (bytes === 0) return Buffer.alloc(0);
      return whole.length === bytes ? whole : Buffer.from((whole.buffer as ArrayBuffer).transfer(bytes));
    },
    heldBytes: () => (isTooLarge() ? 0 : bytes),
    giveUp,
  };
}
