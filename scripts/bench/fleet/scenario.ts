// Plays one story of a fleet, and sums up what the tenant saw and what became of the lines.

import { simulateTime } from '../simulated-time.ts';
import { type Account, openSandbox } from './sandbox.ts';
import { createTenant, DEFAULT_LIMITS, type Outage, type Second } from './tenant.ts';

export interface Scenario {
  readonly sandboxes: number;
  readonly functions: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly linesPerInvocation: number;
  readonly lineBytes: number;
  /** The sandboxes start one after the other within this. */
  readonly startWithinMs: number;
  readonly durationMs: number;
  /** They end one after the other within this. */
  readonly endWithinMs: number;
  /** Moments from the beginning on. */
  readonly outage?: Outage;
}

export interface Played extends Account {
  readonly seconds: readonly Second[];
  /** Entries that Loki has. */
  readonly stored: number;
  readonly streams: number;
}

/** So many times what the fleet sends when all is well the gateway stands. */
const GATEWAY_HEADROOM = 4;
/** What a sandbox of the scenarios sends in a second when all is well, as measured. */
const REQUESTS_PER_SANDBOX_S = 0.4;
const SHUTDOWN_MS = 5_000;
const START_MS = Date.UTC(2026, 0, 1);

/** @throws Error when an entry is unaccounted for: the figures would say nothing */
export async function play(scenario: Scenario): Promise<Played> {
  const { sandboxes, functions, durationMs, outage } = scenario;
  const time = simulateTime(START_MS);
  const requestsPerS = Math.max(10, sandboxes * REQUESTS_PER_SANDBOX_S * GATEWAY_HEADROOM);
  const limits = { ...DEFAULT_LIMITS, requestsPerS };
  const shifted = outage && { ...outage, fromMs: START_MS + outage.fromMs, untilMs: START_MS + outage.untilMs };
  const tenant = createTenant(limits, START_MS, time.now, shifted);
  const share = (number: number) => number / sandboxes;
  const accountOf = Array.from({ length: sandboxes }, (_, number) =>
    openSandbox(
      {
        ...scenario,
        number,
        functionName: `function-${number % functions}`,
        environment: scenario.environment ?? {},
        startMs: START_MS + share(number) * scenario.startWithinMs,
        endMs: START_MS + durationMs + share(number) * scenario.endWithinMs,
      },
      time,
      tenant,
    ),
  );
  await time.run(START_MS + durationMs + scenario.endWithinMs + SHUTDOWN_MS);
  const account = sumUp(accountOf.map((ask) => ask()));
  const { received, accepted, dropped, held } = account;
  const stored = tenant.storedEntries();
  // An answer that did not come in time may leave lines in Loki that are told as lost, never the other way round.
  if (received !== accepted + dropped + held || stored < accepted || stored > received) {
    throw new Error(`the account is wrong: ${JSON.stringify({ ...account, stored })}`);
  }
  return { ...account, seconds: tenant.seconds, stored, streams: tenant.streams() };
}

function sumUp(accounts: readonly Account[]): Account {
  const sum = (name: keyof Account) => accounts.reduce((total, account) => total + account[name], 0);
  return {
    received: sum('received'),
    accepted: sum('accepted'),
    dropped: sum('dropped'),
    held: sum('held'),
    heldMs: sum('heldMs'),
    invocations: sum('invocations'),
  };
}

/** Requests in a second, on average, from one second to before another. */
export function requestRate(seconds: readonly Second[], from: number, until: number): number {
  const taken = seconds.slice(from, until);
  return taken.reduce((sum, { requests }) => sum + requests, 0) / Math.max(1, taken.length);
}

/** The most requests a second, on average over `span` seconds in a row. */
export function peakRate(seconds: readonly Second[], from: number, until: number, span: number): number {
  const starts = seconds.slice(from, until - span + 1).map((_, index) => from + index);
  return Math.max(0, ...starts.map((start) => requestRate(seconds, start, start + span)));
}
