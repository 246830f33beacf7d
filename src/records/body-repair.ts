// Recovers the records of a body that is not JSON because the platform cut a long record in it. Seen in production, not
// documented (DataDog/datadog-lambda-extension PR #1357): the value of `record` is cut at any byte, and each piece gets
// an envelope with a time of its own, in the same body or in several. The pieces are joined again, and the intact
// records beside them are kept. Works on bytes, because a cut may fall inside a character. Each byte is inspected a
// bounded number of times, whatever the body looks like.

import type { ByteString } from '../byte-string.ts';
import {
  atRecordValue,
  inEscape,
  isBroken,
  isComplete,
  isSpace,
  type ScanState,
  scanInStretches,
  scanStart,
} from './json-scan.ts';
import { elementsOf, isJsonInStretches } from './json-text.ts';

/** The beginning of a cut record: all its pieces so far, without the `}` that the platform put behind each cut. */
export interface CutHead {
  readonly type: string;
  /** Empty once the head is too long: it is then followed to its end, counted once, and no longer kept. */
  readonly parts: Buffer[];
  readonly bytes: number;
  readonly tooLong: boolean;
  readonly atCut: ScanState;
  /** The other reading, that nothing was cut and the record goes on behind the `}`; and where that `}` stands. */
  readonly uncut: ScanState;
  readonly cutAt: number;
}

/** From one envelope that may begin a record to the next. */
interface Segment {
  readonly start: number;
  readonly end: number;
  /** The end without the closing `}`; equal to `end` if there is none, and then this is no piece. */
  readonly cut: number;
  /** False for the last segment of a body that breaks off. */
  readonly closed: boolean;
}

/** More than this is not held for one record; the platform cuts at a sixteenth of it. */
const MAX_HEAD_BYTES = 4 * 1024 * 1024;

// No bounds on the repetitions: each ends at the next envelope's brace or quote at the latest, so the time stays
// linear.
const ENVELOPE = /\s*\{\s*(?:"time"\s*:\s*(?:"[^"\\]*"|[\w.+-]+)\s*,\s*)?"type"\s*:\s*"([^"\\]*)"\s*,\s*"record"\s*:/y;
const SEAM = new RegExp(`\\}\\s*,(?=${ENVELOPE.source})`, 'g');

/**
 * Takes a body apart that begins with `[`, into lists of elements that are whole: without brackets, each element as it
 * was written.
 * @param head what the body before has left; counted as unreadable when it finds no tail here
 * @param lose is told of records that are not recovered
 * @param keep is given the head that this body leaves
 * @returns undefined for a pause in a long element
 */
export function* takeApart(
  body: Buffer,
  head: CutHead | undefined,
  lose: (records: number) => void,
  keep: (head: CutHead | undefined) => void,
): Generator<ByteString | undefined, void> {
  const broken = new BrokenBody(body, head);
  for (const segment of segmentsOf(broken.text)) {
    yield* broken.take(segment);
    if (broken.unreadable > 0) lose(broken.unreadable);
    broken.unreadable = 0;
    yield* broken.lists.splice(0);
  }
  keep(broken.head);
}

/** Long elements are looked at in stretches, with a pause after each. */
type InStretches<T> = Generator<undefined, T>;

class BrokenBody {
  /** Whole elements, with commas between them. */
  readonly lists: ByteString[] = [];
  unreadable = 0;
  head: CutHead | undefined;
  /** One character per byte, so that offsets are those of the body. */
  readonly text: string;
  readonly #body: Buffer;
  #previous: Segment | undefined;

  constructor(body: Buffer, head: CutHead | undefined) {
    this.#body = body;
    this.text = body.toString('latin1');
    this.head = head;
  }

  *take(segment: Segment): InStretches<void> {
    const { head } = this;
    const isTaken =
      head !== undefined && ((yield* this.#takeAsInside(head, segment)) || (yield* this.#takeAsPiece(head, segment)));
    if (!isTaken) {
      this.#giveUp(head);
      const atCut = yield* this.#scan(segment, segment.start, scanStart(segment.start));
      yield* this.#settle(undefined, segment, segment.start, atCut);
    }
    this.#previous = segment;
  }

  /** The seam belongs to the record itself: a list of things that look like our envelope. */
  *#takeAsInside(head: CutHead, segment: Segment): InStretches<boolean> {
    if (this.#previous === undefined) return false;
    const atCut = yield* this.#scan(segment, this.#previous.end, { ...head.uncut, elementAt: head.cutAt });
    return this.#continues(atCut, head.cutAt) && (yield* this.#settle(head, segment, head.cutAt, atCut));
  }

  *#takeAsPiece(head: CutHead, segment: Segment): InStretches<boolean> {
    const envelope = envelopeAt(this.text, segment.start);
    if (envelope?.type !== head.type) return false;
    const from = envelope.valueAt;
    // A normal record goes before a piece, but for what a piece must be: the whole value, the second half of an
    // escape, or digits (no function record is a number, and text may be all digits).
    const pieceFirst = atRecordValue(head.atCut) || inEscape(head.atCut) || /[\d-]/.test(this.text.charAt(from));
    if (!pieceFirst && (yield* this.#takeIntact(segment))) {
      this.#giveUp(head);
      return true;
    }
    const atCut = yield* this.#scan(segment, from, { ...head.atCut, elementAt: from });
    return this.#continues(atCut, from) && (yield* this.#settle(head, segment, from, atCut));
  }

  *#takeIntact(segment: Segment): InStretches<boolean> {
    const atEnd = yield* scanInStretches(this.text, segment.start, segment.end, scanStart(segment.start));
    if (!isComplete(atEnd) || !(yield* this.#keep([], segment.start, segment.end))) return false;
    if (!segment.closed) this.unreadable += 1;
    return true;
  }

  #giveUp(head: CutHead | undefined): void {
    if (head !== undefined && !head.tooLong) this.unreadable += 1;
    this.head = undefined;
  }

  #scan(segment: Segment, from: number, before: ScanState): InStretches<ScanState> {
    return scanInStretches(this.text, from, segment.cut, before);
  }

  /** True if the element that was current at `from` is still good, or came to its end before anything went wrong. */
  #continues(atCut: ScanState, from: number): boolean {
    return !isBroken(atCut) || atCut.elementAt > from;
  }

  /**
   * Takes the segment from `from` on, behind the head's parts. What is no record afterwards is the new head or lost.
   */
  *#settle(head: CutHead | undefined, segment: Segment, from: number, atCut: ScanState): InStretches<true> {
    this.head = undefined;
    const atEnd = yield* scanInStretches(this.text, segment.cut, segment.end, atCut);
    const parts = head?.parts ?? [];
    const counted = head?.tooLong === true;
    if (isComplete(atEnd) && (counted || (yield* this.#keep(parts, from, segment.end)))) {
      if (!segment.closed) this.unreadable += 1;
      return true;
    }
    const last = atCut.elementAt;
    if (last > from) {
      if (counted || (yield* this.#keep(parts, from, last - 1))) this.#hold(undefined, segment, last, atCut, atEnd);
      else this.unreadable += 1;
    } else this.#hold(head, segment, from, atCut, atEnd);
    return true;
  }

  #hold(head: CutHead | undefined, segment: Segment, from: number, atCut: ScanState, uncut: ScanState): void {
    const type = head?.type ?? envelopeAt(this.text, from)?.type;
    const isHead = type !== undefined && !isBroken(atCut) && !isComplete(uncut) && segment.cut < segment.end;
    const bytes = (head?.bytes ?? 0) + segment.cut - from;
    const tooLong = head?.tooLong === true || bytes > MAX_HEAD_BYTES;
    if ((!isHead || tooLong) && !head?.tooLong) this.unreadable += 1;
    if (!isHead) return;
    const parts = tooLong ? [] : (head?.parts ?? []);
    // Copied, so that a small head does not keep a large body in memory.
    if (!tooLong) parts.push(Buffer.from(this.#body.subarray(from, segment.cut)));
    this.head = { type, parts, bytes: tooLong ? 0 : bytes, tooLong, atCut, uncut, cutAt: segment.cut };
  }

  *#keep(parts: readonly Buffer[], from: number, end: number): InStretches<boolean> {
    const bytes = this.#body.subarray(from, end);
    const whole = parts.length === 0 ? bytes : Buffer.concat([...parts, bytes]);
    const list = whole.toString('latin1') as ByteString;
    for (const element of elementsOf(list, 0, list.length)) {
      if (element === undefined) yield undefined;
      else if (!(yield* isJsonInStretches(element))) return false;
    }
    this.lists.push(list);
    return true;
  }
}

/** Cuts a body before each envelope that a `},` precedes. */
function* segmentsOf(text: string): Generator<Segment, void> {
  const open = text.indexOf('[');
  let last = text.length;
  while (isSpace(text.charCodeAt(last - 1))) last -= 1;
  const closed = last - 1 > open && text[last - 1] === ']';
  let start = open + 1;
  SEAM.lastIndex = start;
  for (let seam = SEAM.exec(text); seam !== null; seam = SEAM.exec(text)) {
    yield { start, end: seam.index + 1, cut: seam.index, closed: true };
    start = seam.index + seam[0].length;
    SEAM.lastIndex = start;
  }
  if (closed) last -= 1;
  while (closed && last > start && isSpace(text.charCodeAt(last - 1))) last -= 1;
  if (closed && last === start) return; // `[]`
  yield { start, end: last, cut: closed && text[last - 1] === '}' ? last - 1 : last, closed };
}

function envelopeAt(text: string, at: number): { type: string; valueAt: number } | undefined {
  ENVELOPE.lastIndex = at;
  const type = ENVELOPE.exec(text)?.[1];
  return type === undefined ? undefined : { type, valueAt: ENVELOPE.lastIndex };
}
