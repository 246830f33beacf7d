// What an answer of Loki means for the batch it answers: one total table. What to do about it, and when, is decided in
// verdict.ts. The statuses are those of Loki's push API and of the gateways in front of it:
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
import { lokiWords } from '../diagnosis/loki-words.ts';
import type { SecretSymptom } from '../diagnosis/symptoms.ts';
import type { DropReason } from '../losses.ts';
import type { UnreachablePhase } from '../net/connect.ts';
import type { EpochMs } from '../time.ts';

/**
 * The end of one attempt. A new kind needs an answer wherever outcomes are handled: the compiler asks for it. `detail`
 * is text from outside.
 */
export type PushOutcome =
  /** Stored. `odd`: Loki itself answers 204 without a text; another status or text than that is worth a word. */
  | { readonly kind: 'accepted'; readonly status: number; readonly odd?: 'status' | 'text' }
  /** Final: `entries` of the batch are gone, the others are stored. Never resend it. */
  | {
      readonly kind: 'rejected';
      readonly reason: DropReason;
      readonly entries: RefusedEntries;
      /** It was for the time of the entries: at the present moment they may pass. */
      readonly untimely?: boolean;
      /** Of the clock there before ours, where it may be the reason. */
      readonly clockAheadMs?: number;
      readonly status: number;
      readonly detail: string;
    }
  /** Refused as a whole for its size. */
  | { readonly kind: 'too_large'; readonly status: number; readonly detail: string }
  /** This Loki takes no structured metadata. Nothing that carried any was stored. */
  | { readonly kind: 'metadata_disallowed'; readonly detail: string }
  /**
   * A setting is wrong (credentials, tenant, address), or something in between dislikes this batch. Nothing was stored.
   */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string; readonly location?: string }
  /** Too much at the moment; `tooMuchAtOnce` when the request alone is more than the limit lets through in a second. */
  | {
      readonly kind: 'throttled';
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      readonly tooMuchAtOnce: boolean;
      readonly detail: string;
    }
  /** Loki answered that it failed. Part of the batch may be stored. */
  | { readonly kind: 'failed'; readonly status: number; readonly detail: string }
  /** Bytes came that are no HTTP answer. All of it may be stored. */
  | { readonly kind: 'unreadable'; readonly code: string | undefined; readonly detail: string }
  /** It was sent, and no answer came: time-out, reset, closed, 1xx and no more. It may be stored. */
  | { readonly kind: 'unanswered'; readonly phase: 'answer'; readonly detail: string }
  /** Nothing was sent. */
  | {
      readonly kind: 'unreachable';
      readonly phase: UnreachablePhase;
      readonly code: string | undefined;
      readonly detail: string;
      readonly address?: string;
      /** Host and port of the proxy that was on the way to that address. */
      readonly proxy?: string;
    }
  /** Nothing was sent: a secret that a setting refers to is not there, or of no use. */
  | { readonly kind: 'unready'; readonly secret?: SecretSymptom }
  /**
   * Freezes came between, again and again. That says nothing about Loki, unless `last` is there: no freeze explains
   * that.
   */
  | { readonly kind: 'interrupted'; readonly last?: PushOutcome };

/** How many entries were refused, by number; or all but the number that was stored; or all. */
export type RefusedEntries = { readonly refused: number } | { readonly stored: number } | 'all';

/** @returns how many of the entries of a batch are lost */
export function countRefused(entries: RefusedEntries, entryCount: number): number {
  if (entries === 'all') return entryCount;
  const refused = 'refused' in entries ? entries.refused : entryCount - entries.stored;
  return Math.max(0, Math.min(refused, entryCount));
}

export interface Answer {
  readonly status: number;
  /** The start of the body. */
  readonly text: string;
  readonly contentType?: string | undefined;
  /** We ask for none. A text that is encoded all the same is not read: neither counted by nor shown. */
  readonly contentEncoding?: string | undefined;
  readonly retryAfter?: string | undefined;
  readonly location?: string | undefined;
  /** By the clock there. */
  readonly date?: string | undefined;
}

/** The title of a web page may come late. Nothing of it is printed as it stands. */
const DETAIL_CHARACTERS = 2_000;

/** The address is wrong, or the credentials, whatever the text says. */
const REFUSED_STATUSES = [401, 402, 403, 404, 405, 407, 410, 411, 415, 426, 431];
/** Time-out of a proxy, misdirected, too early, a request that was called off behind the gateway. */
const PASSING_STATUSES = [408, 421, 425, 499];
/**
 * What Go says when it could not read a request to its end, or gave up on it: after a freeze in the middle of one, for
 * example. Loki makes a 400 of it, though it has read nothing that it could refuse. It ends the text: what is refused is
 * named before.
 */
const UNREAD = new RegExp(
  `(?:^|[:=] )(?:${[
    'i/o timeout',
    'unexpected EOF',
    'connection reset by peer',
    'client disconnected',
    'context canceled',
    'context deadline exceeded',
  ].join('|')})\\s*$`,
  'i',
);

/** Whether an answer says all that it will say, although the rest of its body is still to come. */
export function isClear({ status, text }: Answer): boolean {
  if (!isSuccess(status)) return false;
  if (hasNoBody(status)) return true;
  // Of a page for people the title is told, if it comes with the first bytes.
  return text.trimStart() !== '';
}

/** Once the status is there, the text may take so long. */
const TEXT_MS = 1_000;
/** Of a success only the first bytes matter, which come with the head: a page for people would begin with them. */
const FIRST_BYTES_MS = 100;

/** How long the text of an answer is waited for once its head is there; 0 where there is none. */
export function textLimitMs({ status, contentType }: Answer): number {
  if (hasNoBody(status)) return 0;
  return isSuccess(status) && !isHtml('', contentType) ? FIRST_BYTES_MS : TEXT_MS;
}

/** @param nowMs when the answer came, for headers that name a date */
export function toOutcome(answer: Answer, nowMs: EpochMs): PushOutcome {
  const { status, contentType, retryAfter, location } = answer;
  const text = readableOf(answer);
  const detail = `${status} ${text.trim().slice(0, DETAIL_CHARACTERS)}`.trim();
  if (status < 200) return { kind: 'unanswered', phase: 'answer', detail: `${status} and no more` };
  // A page for people is never from Loki: a sign-in page, a web server at that address, a firewall.
  const strange = !hasNoBody(status) && isHtml(text, contentType);
  if (isSuccess(status) && !strange) return accepted(status, text);
  // 260 is in the range of success and means that everything was thrown away.
  if (status === 260) return { kind: 'rejected', reason: 'blocked', entries: 'all', status, detail };
  if (status === 413) return { kind: 'too_large', status, detail };
  const waitMs = retryAfterMs(retryAfter, nowMs);
  if (status === 429 || (status === 503 && waitMs !== undefined)) {
    return { kind: 'throttled', status, retryAfterMs: waitMs, tooMuchAtOnce: exceedsRate(text), detail };
  }
  // We do not follow redirects: they would carry the credentials to another host. So the address is wrong.
  if (status < 400 || REFUSED_STATUSES.includes(status)) {
    return { kind: 'refused', status, detail, ...(location !== undefined && { location }) };
  }
  if (PASSING_STATUSES.includes(status)) return { kind: 'failed', status, detail };
  if (status >= 500) {
    // grpc's own limit of 4 MiB comes out as a 500 that no retry can cure.
    const isTooLarge = /message larger than max|too large/i.test(text);
    return { kind: isTooLarge ? 'too_large' : 'failed', status, detail };
  }
  // Of 4xx Loki itself gives these two. Any other, if the words are not Loki's either, is from somebody in between.
  const isOfLoki = status === 400 || status === 422 || lokiWords(text) !== undefined;
  if (strange || !isOfLoki) return { kind: 'refused', status, detail };
  if (disallowsMetadata(text)) return { kind: 'metadata_disallowed', detail };
  if (UNREAD.test(text)) return { kind: 'failed', status, detail };
  const reason = rejectReason(text);
  const untimely = reason === 'too_old' || /too new|too_far_in_future/i.test(text);
  const clockAheadMs = untimely ? Date.parse(answer.date ?? '') - nowMs : Number.NaN;
  return {
    kind: 'rejected',
    reason,
    entries: refusedEntries(text),
    ...(untimely && { untimely }),
    ...(Number.isFinite(clockAheadMs) && { clockAheadMs }),
    status,
    detail,
  };
}

function readableOf({ text, contentEncoding = 'identity' }: Answer): string {
  return contentEncoding.toLowerCase() === 'identity' ? text : '';
}

const isSuccess = (status: number) => status >= 200 && status < 300 && status !== 260;
const hasNoBody = (status: number) => status === 204 || status === 205;

function isHtml(text: string, contentType = ''): boolean {
  return /^\s*(?:text\/html|application\/xhtml)/i.test(contentType) || text.trimStart().startsWith('<');
}

function accepted(status: number, text: string): PushOutcome {
  if (status !== 204 && status !== 200) return { kind: 'accepted', status, odd: 'status' };
  return text.trim() === '' ? { kind: 'accepted', status } : { kind: 'accepted', status, odd: 'text' };
}

function disallowsMetadata(text: string): boolean {
  if (/disallowed_structured_metadata/i.test(text)) return true;
  return /structured metadata/i.test(text) && /disallowed/i.test(text);
}

function rejectReason(text: string): DropReason {
  if (/too old|too far behind|greater_than_max_sample_age|out of order/i.test(text)) return 'too_old';
  if (/max entry size|line.?too.?long/i.test(text)) return 'line_too_long';
  return 'rejected';
}

/** Refusals of single entries; any other 400 is about the stream or the request, and so about every entry. */
const ENTRY_REFUSAL = /too old|too new|too far behind|out of order|max entry size|line.?too.?long|structured metadata/i;

/**
 * Loki answers 400 when one entry of a batch is bad, and stores the others. How many were bad is in the text, if at
 * all: `total ignored: 2 out of 10`, where the ten are what was left after earlier checks had refused others; or
 * messages joined by `; `, each for one entry or prefixed by `3 errors like: `.
 */
function refusedEntries(text: string): RefusedEntries {
  const total = /total ignored: (\d{1,9}) out of (\d{1,9})/.exec(text);
  if (total) return { stored: Number(total[2]) - Number(total[1]) };
  if (!ENTRY_REFUSAL.test(text)) return 'all';
  let refused = 0;
  for (const message of text.split(/; (?=\d{1,9} errors? like: |entry |Max entry|stream )/i)) {
    refused += Number(/^\s*(\d{1,9}) errors? like: /.exec(message)?.[1] ?? 1);
  }
  return { refused };
}

/**
 * Loki's words: `ingestion rate limit exceeded for user x (limit: 1048 bytes/sec) while attempting to ingest '3' lines
 * totaling '3000' bytes`, and for one stream `Per stream rate limit exceeded (limit: 500B/sec) while attempting to
 * ingest for stream '{...}' totaling 701B`. Every quantifier has a bound, so that foreign text costs no more than its
 * length.
 */
function exceedsRate(text: string): boolean {
  const limit = /limit: ([\d.]{1,20} ?[a-z]{1,8})\/sec/i.exec(text);
  const total = /^totaling '?([\d.]{1,20})'? ?([a-z]{1,8})/i.exec(text.slice(text.lastIndexOf('totaling ')));
  return limit !== null && total !== null && bytesOf(`${total[1]}${total[2]}`) > bytesOf(limit[1] ?? '');
}

/** `1048 bytes`, `500B`, `3MB`; NaN for anything else, which is more than nothing. */
function bytesOf(size: string): number {
  const [, number, unit = ''] = /^([\d.]+) ?([a-z]+)$/i.exec(size) ?? [];
  const factor = { b: 1, bytes: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[unit.toLowerCase()];
  return Number(number) * (factor ?? Number.NaN);
}

/** The header is a number of seconds or an HTTP date. Loki sends none, a gateway may. */
function retryAfterMs(value: string | undefined, nowMs: EpochMs): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
