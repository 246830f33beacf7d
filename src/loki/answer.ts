// What an answer of Loki means for the batch it answers. One total table; what to do and when is decided elsewhere.
// The statuses are those of Loki's push API and of the gateways in front of it:
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
import type { DropReason } from '../losses.ts';
import type { EpochMs } from '../time.ts';

/** The end of one attempt. A new kind needs an answer wherever outcomes are handled: the compiler asks for it. */
export type PushOutcome =
  | { readonly kind: 'accepted' }
  /** Final: `entries` of the batch are gone, the others are stored. Never resend it. */
  | {
      readonly kind: 'rejected';
      readonly reason: DropReason;
      readonly entries: RefusedEntries;
      readonly detail: string;
    }
  /** Refused as a whole for its size. */
  | { readonly kind: 'too_large'; readonly detail: string }
  /** This Loki takes no structured metadata. Nothing that carried any was stored. */
  | { readonly kind: 'metadata_disallowed'; readonly detail: string }
  /** A setting of ours is wrong: credentials, tenant, path. */
  | { readonly kind: 'misconfigured'; readonly detail: string }
  /** Too much at the moment; `tooMuchAtOnce` when the request alone is more than the limit lets through in a second. */
  | {
      readonly kind: 'throttled';
      readonly retryAfterMs: number | undefined;
      readonly tooMuchAtOnce: boolean;
      readonly detail: string;
    }
  /** Loki answered that it failed, or did not answer in time (`unanswered`). Part of the batch may be stored. */
  | { readonly kind: 'failed'; readonly detail: string; readonly unanswered?: boolean }
  /** A freeze came between, again and again. That says nothing about Loki. */
  | { readonly kind: 'interrupted' }
  /** No answer: refused, reset, closed, no route, no such host. */
  | { readonly kind: 'unreachable'; readonly detail: string };

export type AnsweredOutcome = Exclude<PushOutcome, { readonly kind: 'interrupted' | 'unreachable' }>;

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
  readonly retryAfter: string | undefined;
}

const DETAIL_CHARACTERS = 300;

/** @param nowMs when the answer came, for a `Retry-After` that names a date */
export function toOutcome({ status, text, retryAfter }: Answer, nowMs: EpochMs): AnsweredOutcome {
  const detail = `${status} ${text.trim().slice(0, DETAIL_CHARACTERS)}`.trim();
  if (status === 204 || status === 200) return { kind: 'accepted' };
  // 260 is in the range of success and means that everything was thrown away.
  if (status === 260) return { kind: 'rejected', reason: 'blocked', entries: 'all', detail };
  if (status === 413) return { kind: 'too_large', detail };
  if (status === 429) {
    return {
      kind: 'throttled',
      retryAfterMs: retryAfterMs(retryAfter, nowMs),
      tooMuchAtOnce: exceedsRate(text),
      detail,
    };
  }
  if (status === 401 || status === 403 || status === 404) return { kind: 'misconfigured', detail };
  // We do not follow redirects: they would carry the credentials to another host. So the address is wrong.
  if (status >= 300 && status < 400) return { kind: 'misconfigured', detail };
  if (status === 408) return { kind: 'failed', detail };
  if (status >= 500) {
    // grpc's own limit of 4 MiB comes out as a 500 that no retry can cure.
    return /message larger than max|too large/i.test(text) ? { kind: 'too_large', detail } : { kind: 'failed', detail };
  }
  if (/structured metadata.*disallowed|disallowed.*structured metadata|disallowed_structured_metadata/is.test(text)) {
    return { kind: 'metadata_disallowed', detail };
  }
  return { kind: 'rejected', reason: rejectReason(text), entries: refusedEntries(text), detail };
}

function rejectReason(text: string): DropReason {
  if (/too old|too far behind|greater_than_max_sample_age|out of order/i.test(text)) return 'too_old';
  if (/max entry size|line.?too.?long/i.test(text)) return 'line_too_long';
  return 'rejected';
}

/** Refusals of single entries; any other 400 is about the stream or the request, and so about every entry. */
const ENTRY_REFUSAL = /too old|too new|too far behind|out of order|max entry size|line.?too.?long|structured metadata/i;

/**
 * Loki answers 400 when one entry of a batch is bad, and stores the others. How many were bad is in the text, if at all:
 * `total ignored: 2 out of 10`, where the ten are what was left after earlier checks had refused others; or messages joined by `; `, each for
 * one entry or prefixed by `3 errors like: `.
 */
function refusedEntries(text: string): RefusedEntries {
  const total = /total ignored: (\d+) out of (\d+)/.exec(text);
  if (total) return { stored: Number(total[2]) - Number(total[1]) };
  if (!ENTRY_REFUSAL.test(text)) return 'all';
  let refused = 0;
  for (const message of text.split(/; (?=\d+ errors? like: |entry |Max entry|stream )/i)) {
    refused += Number(/^\s*(\d+) errors? like: /.exec(message)?.[1] ?? 1);
  }
  return { refused };
}

/**
 * Loki's words: `ingestion rate limit exceeded for user x (limit: 1048 bytes/sec) while attempting to ingest '3' lines totaling '3000' bytes`,
 * and for one stream `Per stream rate limit exceeded (limit: 500B/sec) while attempting to ingest for stream '{...}' totaling 701B`.
 */
function exceedsRate(text: string): boolean {
  const match = /limit: ([\d.]+ ?\w+)\/sec.*totaling '?([\d.]+)'? ?(\w+)/s.exec(text);
  return match !== null && bytesOf(match[2] + (match[3] ?? '')) > bytesOf(match[1] ?? '');
}

/** `1048 bytes`, `500B`, `3MB`; NaN for anything else, which is more than nothing. */
function bytesOf(size: string): number {
  const [, number, unit = ''] = /^([\d.]+) ?(\w+)$/.exec(size) ?? [];
  const factor = { b: 1, bytes: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[unit.toLowerCase()];
  return Number(number) * (factor ?? Number.NaN);
}

/** The header is a number of seconds or an HTTP date. Loki sends none, a gateway may. */
function retryAfterMs(value: string | undefined, nowMs: EpochMs): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
