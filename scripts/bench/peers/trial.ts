// One case with one extension: a fake Loki and an emulated Lambda of its own, a story, and the judgement of what arrived.
// A story that takes longer than its bound, or that the extension ends by dying, is stopped there and judged as it stands.

import { setTimeout as wait } from 'node:timers/promises';
import { type FakeLoki, startFakeLoki } from '../../../test/fakes/fake-loki.ts';
import type {
  EmulatorOptions,
  InvokeOptions,
  InvokeResult,
  ShutdownResult,
} from '../../../test/fakes/lambda/options.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../../../test/fakes/lambda-emulator.ts';
import { type Relay, startRelay } from '../../../test/fakes/relay.ts';
import { type Subject, untilPortIsFree } from './subjects.ts';
import { type Printed, type Stored, type Tally, tally, token } from './tally.ts';

/** What a case tells its story with. */
export interface Stage {
  readonly loki: FakeLoki;
  readonly emulator: LambdaEmulator;
  /** Lines with tokens, which count as printed from now on. */
  lines(count: number, text?: string): readonly string[];
  /** Counts a line as printed that the story has made itself. */
  print(line: Printed): void;
  /** The number for the next line's token. */
  nextToken(): number;
  invoke(options?: InvokeOptions): Promise<InvokeResult>;
  /** SHUTDOWN with the two seconds that Lambda gives. */
  shutdown(): Promise<void>;
}

export interface Case {
  readonly title: string;
  /** What is done and how it is judged, for the report. */
  readonly about: string;
  /** Bound on the whole case. */
  readonly limitMs: number;
  /** The sandbox is not frozen between invocations. */
  readonly awake?: boolean;
  /** What counts is whether a line stands at its own time, not its text. */
  readonly judgesTime?: boolean;
  /** Connections go through a relay, and this happens to them in each freeze. */
  readonly inFreeze?: 'cut' | 'blackhole';
  /** Settings of this extension alone, for cases that need another API. */
  readonly ownSettings?: Readonly<Record<string, string>>;
  readonly form?: (text: string) => string;
  /** Puts the parts of one line together before the judgement. */
  readonly join?: (stored: readonly Stored[]) => readonly Stored[];
  readonly story: (stage: Stage) => Promise<void>;
}

export interface Result extends Tally {
  /** The longest that an invocation was held after the function's end; `undefined` where none was measured. */
  readonly longestHeldMs: number | undefined;
  /** Invocations that the extension held until the function's timeout. */
  readonly timedOut: number;
  /** Shutdowns that ended with a kill at the deadline. */
  readonly killed: number;
  /** Why the story was not told to its end. */
  readonly cutShort?: string;
}

const defaultText = 'order stored, two items';

/** Runs one case; throws only when it cannot be run at all. */
export async function tryCase(subject: Subject, test: Case): Promise<Result> {
  await untilPortIsFree(subject);
  const loki = await startFakeLoki();
  const relay = test.inFreeze === undefined ? undefined : await startRelay(loki.port);
  const variables = await subject.environment(relay?.url ?? loki.url);
  const options: EmulatorOptions = {
    executable: subject.executable,
    freeze: test.awake !== true,
    environment: { ...variables, ...(subject.ours ? test.ownSettings : {}) },
    ...(relay === undefined ? {} : { onFrozen: () => disturb(relay, test.inFreeze) }),
  };
  const emulator = await createLambdaEmulator(options);
  const { stage, printed, invocations, shutdowns } = openStage(loki, emulator);
  const cutShort = await within(test.limitMs, test.story(stage));
  const stored = loki.entries();
  const judging = {
    undo: subject.undo,
    expected: subject.expected,
    ...(test.form === undefined ? {} : { form: test.form }),
  };
  const judged = tally(printed, test.join?.(stored) ?? stored, judging);
  await emulator.stop();
  await relay?.close();
  await loki.close();
  const held = invocations.flatMap(({ heldMs }) => heldMs ?? []);
  return {
    ...judged,
    longestHeldMs: held.length === 0 ? undefined : Math.max(...held),
    timedOut: invocations.filter(({ extensionTimedOut }) => extensionTimedOut).length,
    killed: shutdowns.filter(({ exitedBeforeDeadline }) => !exitedBeforeDeadline).length,
    ...(cutShort === undefined ? {} : { cutShort }),
  };
}

/** A stage that remembers what was printed on it and how it went. */
function openStage(loki: FakeLoki, emulator: LambdaEmulator) {
  const printed: Printed[] = [];
  const invocations: InvokeResult[] = [];
  const shutdowns: ShutdownResult[] = [];
  let index = 0;
  const stage: Stage = {
    loki,
    emulator,
    lines(count, text = defaultText) {
      const made = Array.from({ length: count }, () => `${text} ${token(++index)}`);
      printed.push(...made.map((line) => ({ text: line })));
      return made;
    },
    print: (line) => void printed.push(line),
    nextToken: () => ++index,
    async invoke(invocation) {
      const result = await emulator.invoke(invocation);
      invocations.push(result);
      if (result.shutdown !== undefined) shutdowns.push(result.shutdown);
      return result;
    },
    async shutdown() {
      shutdowns.push(await emulator.shutdown());
    },
  };
  return { stage, printed, invocations, shutdowns };
}

function disturb(relay: Relay, how: Case['inFreeze']): void {
  if (how === 'cut') relay.cut();
  else relay.blackhole();
}

/** Why the story did not come to its end, if it did not. */
async function within(limitMs: number, story: Promise<void>): Promise<string | undefined> {
  const timer = new AbortController();
  const limit = wait(limitMs, `stopped after ${limitMs / 1_000} s`, { signal: timer.signal });
  const told = story.then(
    () => undefined,
    (error: unknown) => String(error instanceof Error ? error.message : error).split('\n')[0],
  );
  try {
    return await Promise.race([told, limit]);
  } finally {
    timer.abort();
    limit.catch(() => {});
  }
}
