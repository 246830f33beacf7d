// Plays an arrival pattern step by step, on a stage: against the executable in real time (live.ts), or against the extension's
// modules in simulated time (simulation.ts).

import type { Pattern, Played, PlayedInvocation, PlayedLine } from './patterns.ts';
import { beginRecords, functionRecord, type LambdaRecord, requestIdOf, runtimeDoneRecord } from './records.ts';

/** A sandbox that waits for its first invocation. Moments are milliseconds of its own clock. */
export interface Stage {
  nowMs(): number;
  /** By the clock on the wall, which stamps the records. */
  epochMs(): number;
  until(momentMs: number): Promise<void>;
  /** Thaws the sandbox. */
  invoke(requestId: string): void;
  record(record: LambdaRecord): void;
  /** Resolves with the moment at which the next event was asked for. */
  asked(): Promise<number>;
  freeze(): void;
  /** Thaws the sandbox and ends it. */
  shutDown(): Promise<void>;
  /** When each line came to Loki: by the number in it. */
  arrivals(): Promise<ReadonlyMap<number, number>>;
}

export async function play(stage: Stage, pattern: Pattern): Promise<Played> {
  const beginMs = stage.nowMs();
  const invocations: PlayedInvocation[] = [];
  const printed: Omit<PlayedLine, 'inLokiMs'>[] = [];
  for (let index = 0; index < pattern.invocations; index++) {
    await stage.until(beginMs + index * pattern.intervalMs);
    const print = () => {
      stage.record(functionRecord(`#${printed.length} working on an order`, stage.epochMs()));
      printed.push({ invocation: index, printedMs: stage.nowMs() });
    };
    invocations.push(await playInvocation(stage, pattern, index, print));
  }
  await stage.until(stage.nowMs() + pattern.silenceMs);
  await stage.shutDown();
  const arrivedMs = await stage.arrivals();
  const lines = printed.map((line, marker) => ({ ...line, inLokiMs: arrivedMs.get(marker) ?? Number.NaN }));
  return { invocations, lines };
}

/** The sandbox is frozen from the moment at which the function has finished and the extension has asked for the next event. */
async function playInvocation(
  stage: Stage,
  { linesAtMs, durationMs }: Pattern,
  index: number,
  print: () => void,
): Promise<PlayedInvocation> {
  const startMs = stage.nowMs();
  const requestId = requestIdOf(index);
  stage.invoke(requestId);
  for (const record of beginRecords(index, stage.epochMs())) stage.record(record);
  for (const atMs of linesAtMs) {
    await stage.until(startMs + atMs);
    print();
  }
  await stage.until(startMs + durationMs);
  const doneMs = stage.nowMs();
  stage.record(runtimeDoneRecord(requestId, stage.epochMs()));
  const freeMs = Math.max(doneMs, await stage.asked());
  stage.freeze();
  return { startMs, doneMs, freeMs };
}
