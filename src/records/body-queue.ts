// Queues the bodies that the listener received, in order, and reads them into records when the intake asks.
import type { ByteString } from '../byte-string.ts';
import type { DropReason } from '../losses.ts';
import { free } from '../memory.ts';
import { createBodyReader } from './body-json.ts';
import { type BodyScan, countRecords, mayHideEnd, scanBody } from './body-scan.ts';
import { type LogRecord, toLogRecord } from './record.ts';
import { createTimeReader } from './record-time.ts';

export interface BodyQueue {
  /**
   * Adds a body; undefined for one that was too large to be kept.
   * @param release is called when it has been read and its memory given back
   */
  add(body: Buffer | undefined, release?: () => void): void;
  /**
   * Reads on, for so many records at most, or for what takes about as long, and does not throw. Each step gets further:
   * a record that breaks something is lost alone, and a body that cannot be read on is left.
   * @param lose is told whether the end of an invocation may be among what is lost
   */
  read(
    maxRecords: number,
    take: (record: LogRecord) => void,
    lose: (reason: DropReason, records: number, hidesEnd: boolean) => void,
  ): void;
  /** Bodies that are not read to their end. */
  waitingBodies(): number;
  /** Bytes of the bodies that are not read to their end. */
  waitingBytes(): number;
  /** Gives up the record that waits for its second piece. @returns how many records that loses */
  giveUpHead(): number;
  /** Gives up all bodies. @returns how many records that loses, as far as they can be counted unread */
  clear(): number;
}

/** A few long records take as long as many of the usual ones. */
const MAX_CHARACTERS = 16 * 1024;

interface Waiting {
  readonly body: Buffer | undefined;
  readonly release: (() => void) | undefined;
}

const recordsIn = ({ body }: Waiting) => (body === undefined ? 1 : countRecords(body));

export function createBodyQueue(): BodyQueue {
  const reader = createBodyReader();
  const readTime = createTimeReader();
  const waiting: Waiting[] = [];
  let waitingBytes = 0;
  /** The body that is being read, the quick way or the thorough one. */
  let current: Waiting | undefined;
  /** Records that were read of it. */
  let recordsRead = 0;
  /** Looked for once in a body, however much of it is lost. */
  let hidesEnd: boolean | undefined;
  let scan: BodyScan | undefined;
  let elements: Iterator<ByteString | undefined, void> | undefined;

  function openNextBody(lose: (records: number) => void): boolean {
    current = waiting.shift();
    recordsRead = 0;
    hidesEnd = undefined;
    if (current?.body === undefined) return false;
    // A body that may begin with the tail of a cut record is looked at as a whole.
    if (reader.isWaiting()) elements = reader.read(current.body, lose);
    else scan = scanBody(current.body, readTime);
    return true;
  }

  /** All that is still wanted of the body has been copied. */
  function closeBody(): void {
    scan = undefined;
    elements = undefined;
    const { body, release } = current ?? {};
    current = undefined;
    waitingBytes -= body?.length ?? 0;
    // A small one may share its memory with others.
    if (body !== undefined && body.length === body.buffer.byteLength) free(body.buffer);
    release?.();
  }

  /**
   * @returns undefined when there is nothing more in this body, which is closed then, or when the next record takes a
   * while
   */
  function next(lose: (records: number) => void): LogRecord | undefined {
    const record = scan?.next();
    if (record !== undefined) return record;
    if (scan !== undefined) readThoroughly(lose);
    const element = elements?.next();
    if (element !== undefined && element.done !== true) return element.value && toLogRecord(element.value, readTime);
    closeBody();
    return undefined;
  }

  /** What the scan has left. */
  function readThoroughly(lose: (records: number) => void): void {
    const rest = scan?.rest();
    scan = undefined;
    elements = rest && reader.read(rest, lose);
  }

  return {
    add(body, release) {
      waiting.push({ body, release });
      waitingBytes += body?.length ?? 0;
    },
    read(maxRecords, take, lose) {
      const loseUnreadable = (records: number) => {
        hidesEnd ??= mayHideEnd(current?.body);
        lose('unreadable_record', records, hidesEnd);
      };
      let characters = 0;
      for (let count = 0; count < maxRecords && characters < MAX_CHARACTERS; count++) {
        try {
          if (current === undefined && !openNextBody(loseUnreadable)) {
            if (current === undefined) return;
            lose('body_too_large', 1, true);
            closeBody();
            continue;
          }
          const record = next(loseUnreadable);
          if (record === undefined) return;
          characters += record.line.length;
          recordsRead++;
          take(record);
        } catch {
          loseUnreadable(1);
          // The thorough reader has moved on before it hands anything on, or it is done.
          if (scan !== undefined) readThoroughly(loseUnreadable);
          else if (elements === undefined) closeBody();
        }
      }
    },
    waitingBodies: () => waiting.length + (current === undefined ? 0 : 1),
    waitingBytes: () => waitingBytes,
    giveUpHead: reader.giveUp,
    clear() {
      let records = 0;
      if (current !== undefined) {
        records = Math.max(1, recordsIn(current) - recordsRead);
        closeBody();
      }
      for (const unread of waiting.splice(0)) {
        records += recordsIn(unread);
        unread.release?.();
      }
      waitingBytes = 0;
      return records;
    },
  };
}
