// What the fake Loki can be told to answer, and the texts that Loki itself gives with each status.
// A script is a list of answers, used in turn, or a function of the request; where it says nothing the push is
// judged as Loki would judge it.

import type { WireStream } from './push-request.ts';

/** One scripted answer. Without `status` the push is checked and stored as usual, and the other fields still apply. */
export interface LokiAnswer {
  /** Answered as it stands; nothing is stored unless `store` is set. */
  readonly status?: number;
  /** Checks and stores the push before this status is answered: the answer that lies. */
  readonly store?: boolean;
  /** Defaults to Loki's own text for the status. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A status below 200 that is sent at once, before all else. */
  readonly interim?: 102 | 103;
  /** Wait before anything else is answered. */
  readonly delayMs?: number;
  /** Wait between the headers and the body of the answer. */
  readonly bodyDelayMs?: number;
  /** Never answers, and stores nothing; the connection stays open. */
  readonly stall?: boolean;
  /** Destroys the connection before an answer, storing nothing. */
  readonly reset?: boolean;
  /** Stores the push, then destroys the connection without an answer. */
  readonly resetAfterStore?: boolean;
}

/** A push as it arrived. Bodies are kept whole: tests compare resends byte for byte. */
export interface LokiRequest {
  /** Counted from 0 over all requests, refused ones too. */
  readonly index: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly wire: Buffer;
  /** The uncompressed message; `undefined` when the body could not be decoded. */
  readonly raw: Buffer | undefined;
  readonly streams: readonly WireStream[];
  /** Number of the TCP connection it came on, counted from 0. */
  readonly connection: number;
  /** When the whole body had arrived. */
  readonly arrivedAtEpochMs: number;
  /** Status answered; `undefined` while waiting, and for ever after a stall or a reset. */
  status: number | undefined;
}

export type LokiScript = readonly LokiAnswer[] | ((request: LokiRequest) => LokiAnswer | undefined);

const texts: Readonly<Record<number, string>> = {
  260: "ingestion blocked for user 'fake' until '2036-01-01T00:00:00Z' with status code '260'",
  400: "couldn't parse labels: 1:3: parse error: unexpected end of input inside braces",
  401: '{"status":"error","error":"authentication error: invalid token"}',
  403: '{"status":"error","error":"authentication error: invalid scope requested"}',
  404: '404 page not found',
  413: 'request body too large: 104857601 > 104857600',
  422: 'error at least one valid stream is required for ingestion',
  429: "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '100' lines totaling '9000000' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
  500: 'at least 2 live replicas required, could only find 1 - unhealthy instances: 127.0.0.1:9095',
  502: '<html><head><title>502 Bad Gateway</title></head></html>',
  503: 'no healthy upstream',
  504: 'stream timeout',
};

/** Loki's text for a status; empty where it sends none. */
export function textOf(status: number): string {
  return texts[status] ?? '';
}
