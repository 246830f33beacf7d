// Takes any HTTP body of the Logs and Telemetry APIs apart into its elements, each as the JSON that was written, and
// never throws. Most bodies never get here: see body-scan.ts. A record of more than about 256 KiB arrives cut in
// pieces, in bodies that are not JSON: body-repair.ts handles those, and this file only keeps the head that waits for
// its tail. Yields one element at a time: a hostile body may have millions.
import { isUtf8 } from 'node:buffer';
import { type ByteString, NOT_ASCII, toByteString } from '../byte-string.ts';
import { type CutHead, takeApart } from './body-repair.ts';
import { isComplete, isSpace, scanInStretches, scanStart } from './json-scan.ts';
import { elementsOf, isJsonInStretches, skipSpace } from './json-text.ts';

export interface BodyReader {
  /**
   * The elements of a body in order, as found: mostly records, but any JSON value is possible. Undefined where it takes
   * a while before the next is found, so that others have their turn. Read one body to its end before the next.
   * @param lose is told of records that could not be recovered; a body that breaks off counts one, as what is missing
   * cannot be known
   */
  read(body: Buffer, lose: (records: number) => void): Generator<ByteString | undefined, void>;
  /** Whether the body before has left the head of a cut record, whose tail may be in the next one. */
  isWaiting(): boolean;
  /** Gives up the head that waits for its tail, and returns how many records that loses: 0 or 1. */
  giveUp(): number;
  /** Bytes held for a record that is not whole yet; at most 4 MiB. */
  waitingBytes(): number;
}

export function createBodyReader(): BodyReader {
  let head: CutHead | undefined;

  function giveUp(): number {
    const lost = head === undefined || head.tooLong ? 0 : 1;
    head = undefined;
    return lost;
  }

  function* read(received: Buffer, lose: (records: number) => void): Generator<ByteString | undefined, void> {
    const body = withoutByteOrderMark(received);
    const text = body.toString('latin1') as ByteString;
    const start = skipSpace(text, 0);
    if (start === text.length) return;
    const end = trimmedEnd(text);
    // The tail of a cut record can be JSON by accident, so a waiting head is offered the body first.
    const isBroken = text[start] === '[' && (head !== undefined || !(yield* isList(text, start, end)));
    if (isBroken) {
      const before = head;
      head = undefined;
      for (const list of takeApart(body, before, lose, keep)) {
        if (list === undefined) yield undefined;
        else yield* wellFormed(elementsOf(list, 0, list.length));
      }
      return;
    }
    const lost = giveUp();
    if (lost > 0) lose(lost);
    const elements =
      text[start] === '[' ? elementsOf(text, start + 1, end - 1) : [text.slice(start, end) as ByteString];
    for (const element of wellFormed(elements)) {
      if (element === undefined) yield undefined;
      else if ((yield* isJsonInStretches(element)) && (text[start] === '[' || text[start] === '{')) yield element;
      else lose(1);
    }
  }

  function keep(waiting: CutHead | undefined): void {
    head = waiting;
  }

  return { read, isWaiting: () => head !== undefined, giveUp, waitingBytes: () => head?.bytes ?? 0 };
}

/** Whether the brackets, commas and colons of a list are where they should be. */
function* isList(text: string, start: number, end: number): Generator<undefined, boolean> {
  if (text[end - 1] !== ']' || end - 1 === start) return false;
  if (skipSpace(text, start + 1) === end - 1) return true;
  return isComplete(yield* scanInStretches(text, start + 1, end - 1, scanStart(start + 1)));
}

/** Bytes that are not UTF-8 become U+FFFD: Loki takes no others. */
function* wellFormed(elements: Iterable<ByteString | undefined>): Generator<ByteString | undefined, void> {
  for (const element of elements) {
    if (element === undefined || !NOT_ASCII.test(element)) yield element;
    else {
      const bytes = Buffer.from(element, 'latin1');
      yield isUtf8(bytes) ? element : toByteString(bytes.toString('utf8'));
    }
  }
}

function trimmedEnd(text: string): number {
  let end = text.length;
  while (isSpace(text.charCodeAt(end - 1))) end -= 1;
  return end;
}

function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}
