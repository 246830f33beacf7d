// Sends one body to Loki's push endpoint and reports the outcome. Never throws, never retries an answer, knows nothing
// of batches. It owns the connections, and therefore the one retry that concerns them: a connection that was open
// during a freeze, or idle for a while, may be dead without our knowing. Its failure says nothing about Loki, nor about
// the other connections.
import type { Endpoint } from '../config/endpoint.ts';
import { type ConnectStep, createConnector, throughProxy, type Way } from '../net/connect.ts';
import { type EpochMs, type SteadyClock, settledBy } from '../time.ts';
import type { PushOutcome } from './answer.ts';
import { type Connection, createConnection, IDLE_MS, type Post, type PostResult } from './connection.ts';

export interface PushClient {
  /** @param answerMs the longest that the answer is waited for, unless the last one took almost as long */
  push(body: Buffer, answerMs?: number): Promise<PushOutcome>;
  /** From now on connections may be made: what a push needs beside one is seen to. */
  begin?(): void;
  /**
   * Call before the process may be frozen: what fails from then on may be the work of a freeze that we have not heard
   * of yet.
   */
  expectFreeze(): void;
  /** Call after a freeze: connections that are open now may be dead. */
  distrustConnections(): void;
  /** What the push that is under way for the longest time waits for. */
  waitsFor(): ConnectStep | 'answer' | undefined;
}

/**
 * An attempt on a distrusted connection is given up after this, or after four times what the last answer took if that
 * is longer: a connection that swallows everything must not cost a whole flush. If Loki was only slow it gets the same
 * bytes twice, and drops one.
 */
const DISTRUSTED_TIMEOUT_MS = 1_000;
/**
 * After a thaw the failure of a connection may be read before the event that tells of the thaw; that comes this soon.
 * Nobody waits meanwhile.
 */
const THAW_NOTICE_MS = 250;
/** A freeze of more than `IDLE_MS` has killed what was under way. An answer that came before it is read at once. */
const DEAD_TIMEOUT_MS = 100;
/**
 * While the first connection is being made the other pushes wait for it and its answer, but no longer than this: one
 * more round trip takes less than one more handshake does, 3 ms of CPU, at the share of a small function.
 */
const FIRST_ANSWER_MS = 500;
/** With short invocations an attempt, and the next one, can each meet a freeze. */
const MAX_ATTEMPTS = 4;

/** @param userAgent product and version, which Loki records */
export function createPushClient(
  { url, authorization, tenantId, headers: userHeaders }: Endpoint,
  timeoutMs: number,
  userAgent: string,
  clock: SteadyClock,
  way: Way = {},
): PushClient {
  const { origin } = new URL(url);
  const { path, headers: proxyHeaders } = throughProxy(new URL(url), way);
  const headers: Record<string, string> = {
    ...userHeaders,
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    // What is compressed could be neither counted nor shown.
    'accept-encoding': 'identity',
    ...(authorization !== undefined && { authorization }),
    ...(tenantId !== undefined && { 'x-scope-orgid': tenantId }),
    ...proxyHeaders,
  };
  const connector = way.connector ?? createConnector(origin, clock, way);
  const slots = new Set<Slot>();
  const inFlight = new Set<Post>();
  let freezeExpected = false;
  let freezeExpectedMs: EpochMs = 0;
  let thaws = 0;
  let thaw = Promise.withResolvers<void>();
  let lastAnswerMs = 0;

  /**
   * The connection to use: the one that was used last of those that nothing speaks against, else one that is
   * distrusted, else a new one.
   */
  function slotFor(isRetry: boolean): Slot {
    let best: Slot | undefined;
    for (const slot of slots) {
      const { connection } = slot;
      if (connection.isIdle() && clock.now() - connection.lastUsedMs() > IDLE_MS) connection.close();
      if (connection.isClosed()) slots.delete(slot);
      else if (connection.isIdle() && !isRetry && (!best || isBetter(slot, best))) best = slot;
    }
    if (best) return best;
    const slot = { connection: createConnection(origin, connector, clock), trusted: true };
    slots.add(slot);
    return slot;
  }

  const distrustedLimitMs = () => Math.min(timeoutMs, Math.max(DISTRUSTED_TIMEOUT_MS, 4 * lastAnswerMs));

  async function attempt(body: Buffer, { connection, trusted }: Slot, answerMs: number): Promise<PostResult> {
    const post = connection.post({ path, method: 'POST', headers, body }, answerMs);
    inFlight.add(post);
    post.giveUpAfter(trusted ? timeoutMs : distrustedLimitMs());
    const result = await post.result;
    inFlight.delete(post);
    return result;
  }

  /** The push that the first connection is being made for, while it is under way. */
  function firstPost(): Post | undefined {
    for (const { connection } of slots) if (connection.isOpen()) return undefined;
    const [first] = inFlight;
    return first;
  }

  return {
    async push(body, answerMs = timeoutMs) {
      const first = firstPost();
      if (first) await settledBy(clock, first.result, clock.now() + FIRST_ANSWER_MS);
      for (let attempts = 1; ; attempts++) {
        const slot = slotFor(attempts > 1);
        const wasTrusted = slot.trusted;
        const thawsBefore = thaws;
        const startMs = clock.now();
        const { outcome, stale, isCut } = await attempt(body, slot, Math.max(answerMs, 4 * lastAnswerMs));
        if (isAnswer(outcome) && !stale) {
          slot.trusted = true;
          lastAnswerMs = clock.now() - startMs;
          return outcome;
        }
        // Nobody listens there: that is no work of a freeze.
        if (outcome.kind === 'unreachable' && outcome.phase === 'refused') return outcome;
        // What fails across a freeze, or on a connection that was open during one, says nothing about Loki. Neither
        // does the end of a kept one.
        if (freezeExpected && thaws === thawsBefore) await settledBy(clock, thaw.promise, clock.now() + THAW_NOTICE_MS);
        const again = thaws !== thawsBefore || stale || (!wasTrusted && attempts === 1);
        if (!again) return outcome;
        // After 408 it may still be open.
        slot.connection.close();
        if (attempts >= MAX_ATTEMPTS) return { kind: 'interrupted', ...(!isCut && { last: outcome }) };
      }
    },
    expectFreeze() {
      freezeExpected = true;
      freezeExpectedMs = clock.now();
    },
    distrustConnections() {
      freezeExpected = false;
      thaws++;
      thaw.resolve();
      thaw = Promise.withResolvers();
      for (const slot of slots) slot.trusted &&= !slot.connection.isOpen();
      const limitMs = clock.now() - freezeExpectedMs > IDLE_MS ? DEAD_TIMEOUT_MS : distrustedLimitMs();
      for (const post of inFlight) post.giveUpAfter(limitMs);
    },
    waitsFor() {
      const [first] = inFlight;
      return first?.step();
    },
  };
}

interface Slot {
  readonly connection: Connection;
  /** Not for a connection that was open during a freeze, until it has answered again. */
  trusted: boolean;
}

function isBetter(one: Slot, other: Slot): boolean {
  if (one.trusted !== other.trusted) return one.trusted;
  return one.connection.lastUsedMs() >= other.connection.lastUsedMs();
}

/** Whether Loki, or whoever stands before it, has said something. */
function isAnswer({ kind }: PushOutcome): boolean {
  return kind !== 'unreachable' && kind !== 'unanswered';
}
