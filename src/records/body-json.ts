// Turns any HTTP body of the Logs and Telemetry APIs into records, and never throws. Most bodies never come here: see body-scan.ts.
// One that is JSON costs one JSON.parse. A record of more than about 256 KiB arrives cut in pieces, in bodies that are not JSON:
// those go to body-repair.ts, and this file only holds the head that waits for its tail.

import { type CutHead, parseJson, takeApart } from './body-repair.ts';
import { withAllDigits } from './exact-json.ts';

/** What a record is promised to look like. Nothing is sure: each field may be absent or of another type. */
export interface RawRecord {
  readonly time?: unknown;
  readonly type?: unknown;
  readonly record?: unknown;
}

export interface BodyResult {
  /** In order, as found: mostly RawRecord, but any JSON value is possible. */
  readonly records: unknown[];
  /** Records that could not be recovered. A body that breaks off counts one, as what is missing cannot be known. */
  readonly unreadable: number;
}

export interface BodyReader {
  read(body: Buffer): BodyResult;
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

  function read(received: Buffer): BodyResult {
    const body = withoutByteOrderMark(received);
    const text = body.toString('utf8'); // bytes that are not UTF-8 become U+FFFD
    const start = text.trimStart()[0];
    if (start === undefined) return { records: [], unreadable: 0 };
    // The tail of a cut record can be JSON by accident, so a waiting head is offered the body first.
    const value = head !== undefined && start === '[' ? undefined : parseJson(text);
    if (value === undefined && start === '[') {
      const taken = takeApart(body, head);
      head = taken.head;
      return { records: taken.records, unreadable: taken.unreadable };
    }
    const lost = giveUp();
    if (Array.isArray(value)) return { records: withAllDigits(value, text), unreadable: lost };
    if (start === '{' && value !== undefined) return { records: [withAllDigits(value, text)], unreadable: lost };
    return { records: [], unreadable: lost + 1 };
  }

  return { read, isWaiting: () => head !== undefined, giveUp, waitingBytes: () => head?.bytes ?? 0 };
}

function withoutByteOrderMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}
