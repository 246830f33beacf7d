// Loki as a fleet meets it: one tenant with the limits that Loki has by default, behind a gateway that stands so many
// requests a second, and that is away at times. Bodies are decoded: what counts is what is stored.
// https://grafana.com/docs/loki/latest/configure/#limits_config

import { createHash } from 'node:crypto';
import snappy from 'snappyjs';
import { decodePushRequest } from '../../../test/fakes/loki/push-request.ts';

export interface TenantLimits {
  /** `ingestion_rate_mb` and `ingestion_burst_size_mb`, of the uncompressed lines and metadata. */
  readonly ingestion: Rate;
  /** `per_stream_rate_limit` and `per_stream_rate_limit_burst`. */
  readonly stream: Rate;
  /** `max_global_streams_per_user`. */
  readonly maxStreams: number;
  /** What the gateway and the distributors stand; above it requests queue. */
  readonly requestsPerS: number;
}

export interface Rate {
  readonly bytesPerS: number;
  readonly burstBytes: number;
}

const MIB = 1024 * 1024;

/** Loki's defaults, but for the gateway, of which there is none. */
export const DEFAULT_LIMITS: Omit<TenantLimits, 'requestsPerS'> = {
  ingestion: { bytesPerS: 4 * MIB, burstBytes: 6 * MIB },
  stream: { bytesPerS: 3 * MIB, burstBytes: 15 * MIB },
  maxStreams: 5_000,
};

export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Connections are refused, or every request is answered with 503. */
  readonly how: 'refused' | '503';
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** From the arrival of the request. */
  readonly afterMs: number;
}

export interface Second {
  requests: number;
  accepted: number;
  refused: number;
  acceptedBytes: number;
}

export interface Tenant {
  /** Whether a connection is taken now. */
  isReachable(): boolean;
  /** A connection was tried, and refused: for the gateway that is load as well. */
  refuse(): void;
  /** One push has arrived. */
  take(body: Buffer): Answer;
  /** What came in each second since the beginning. */
  readonly seconds: readonly Second[];
  /** Entries that are stored: one that came twice counts once, as the lines of a fleet are all different. */
  storedEntries(): number;
  streams(): number;
}

/** The time that an answer takes where nothing queues. */
const ANSWER_MS = 10;
/** What would queue longer is turned away. */
const MAX_QUEUE_MS = 2_000;

export function createTenant(limits: TenantLimits, startMs: number, now: () => number, outage?: Outage): Tenant {
  const seconds: Second[] = [];
  const stored = new Set<number>();
  const ingestion = createBucket(limits.ingestion, now);
  const streams = new Map<string, Bucket>();
  let busyUntilMs = startMs;

  function second(): Second {
    const index = Math.floor((now() - startMs) / 1_000);
    while (seconds.length <= index) seconds.push({ requests: 0, accepted: 0, refused: 0, acceptedBytes: 0 });
    return seconds[index] as Second;
  }

  const isOut = () => outage !== undefined && now() >= outage.fromMs && now() < outage.untilMs;

  function refused(status: number, text: string, afterMs: number): Answer {
    second().refused++;
    return { status, text, afterMs };
  }

  return {
    isReachable: () => !(isOut() && outage?.how === 'refused'),
    refuse() {
      second().requests++;
      second().refused++;
    },
    take(body) {
      second().requests++;
      if (isOut()) return refused(503, 'Service Unavailable', ANSWER_MS);
      const queuedMs = Math.max(0, busyUntilMs - now());
      if (queuedMs > MAX_QUEUE_MS) return refused(503, 'upstream request queue is full', ANSWER_MS);
      busyUntilMs = now() + queuedMs + 1_000 / limits.requestsPerS;
      const afterMs = ANSWER_MS + queuedMs;
      const message = snappy.uncompress(body);
      const pushed = decodePushRequest(message);
      if ('problem' in pushed) throw new Error(`a push cannot be read: ${pushed.problem}`);
      if (!ingestion.take(message.length)) {
        return refused(429, 'Ingestion rate limit exceeded for user fleet', afterMs);
      }
      for (const { labels } of pushed) {
        if (!streams.has(labels) && streams.size >= limits.maxStreams) {
          return refused(429, "Maximum active stream limit exceeded for user 'fleet'", afterMs);
        }
        const bucket = streams.get(labels) ?? createBucket(limits.stream, now);
        streams.set(labels, bucket);
        if (!bucket.take(message.length / pushed.length)) {
          return refused(429, 'Per stream rate limit exceeded', afterMs);
        }
      }
      for (const { labels, entries } of pushed) {
        for (const { line } of entries) stored.add(fingerprint(labels, line));
      }
      second().accepted++;
      second().acceptedBytes += message.length;
      return { status: 204, text: '', afterMs };
    },
    seconds,
    storedEntries: () => stored.size,
    streams: () => streams.size,
  };
}

/** 48 bits tell two million lines apart, nearly always. */
function fingerprint(labels: string, line: string): number {
  return createHash('md5').update(labels).update(line).digest().readUIntBE(0, 6);
}

interface Bucket {
  /** @returns false, and takes nothing, where there is not enough */
  take(bytes: number): boolean;
}

function createBucket({ bytesPerS, burstBytes }: Rate, now: () => number): Bucket {
  let bytes = burstBytes;
  let sinceMs = now();
  return {
    take(wanted) {
      bytes = Math.min(burstBytes, bytes + ((now() - sinceMs) / 1_000) * bytesPerS);
      sinceMs = now();
      if (wanted > bytes) return false;
      bytes -= wanted;
      return true;
    },
  };
}
