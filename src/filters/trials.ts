// Runs expressions on texts in such a way that none can hang the extension: for 50 ms at a time, many texts per run. If
// an expression runs out of time on a text, that text is given up, and for a while so is every text for this expression
// that is at least half as long: what takes a second on one line does so on similar ones, and must not cost 50 ms each.
import { type Pause, pauseLeftMs } from '../time.ts';
import type { RunBounded } from './bounded.ts';
import type { Expression } from './expression.ts';

export interface TrialParts {
  readonly runBounded: RunBounded;
  readonly now: () => number;
  /** The CPU time of this thread so far. */
  readonly cpuMs: () => number;
}

/** An expression, and the lengths that were too much for it. */
export interface Tried extends Expression {
  /** Called whenever it has run out of time on a text of this many characters. */
  readonly tooSlow: (characters: number) => void;
}

/** One expression on one text. */
export interface Trial {
  readonly expression: Tried;
  readonly text: string;
  /** The result is no longer needed. */
  readonly isIdle: () => boolean;
  /** Runs it, and stores the result as the very last step. It may be stopped anywhere, and started again. */
  readonly run: () => void;
  readonly outOfTime: () => void;
}

export interface Trials {
  add(trial: Trial): void;
  /** How many trials were added since the last `clear`. */
  added(): number;
  /**
   * Continues until all are done, or until one run was stopped.
   * @param isUrgent whether slow trials have to be stopped soon, and tried again later
   * @returns how many are done
   */
  run(isUrgent: boolean): number;
  clear(): void;
}

/** The longest that one run may take, normally and if it is urgent. */
export const LIMIT_MS = 50;
const URGENT_LIMIT_MS = 10;
/** A step takes a nanosecond or two: a run with fewer steps needs no watch. */
const FEW_STEPS = 1_000_000;
/**
 * A run may also be stopped because the sandbox was frozen, because of garbage collection, or because the function used
 * all the CPU. So an expression is blamed only if it has failed alone and with some CPU time of its own, on a short
 * text twice; at the latest after the eighth run.
 */
const ENOUGH_RUNS = 2;
const SHORT_CHARACTERS = 4_096;
const ENOUGH_CPU_MS = 2;
const MOST_RUNS = 8;
const FIRST_REST_MS = 60_000;
const LONGEST_REST_MS = 3_600_000;

interface Limit {
  readonly characters: number;
  readonly rest: Pause;
  readonly restMs: number;
}

export function createTrials({ runBounded, now, cpuMs }: TrialParts): Trials {
  const limits = new Map<Tried, Limit>();
  /** Undefined if it was given up before its turn. */
  let trials: (Trial | undefined)[] = [];
  let at = 0;
  /** How many runs the trial at `at` has had to itself. */
  let runs = 0;
  let spentCpuMs = 0;

  function isTooLong({ expression, text }: Trial): boolean {
    const limit = limits.get(expression);
    return limit !== undefined && text.length >= limit.characters && pauseLeftMs(limit.rest, now()) > 0;
  }

  function goOn(): void {
    for (; at < trials.length; at++) {
      const trial = trials[at];
      try {
        if (trial?.isIdle() === false) trial.run();
      } catch {
        // V8 may fail on a text, for example for lack of stack. A stopped run does not get here.
        trial?.outOfTime();
      }
    }
  }

  /** Gives up the trials that are known to take too long. */
  function giveUpLong(): void {
    if (limits.size === 0) return;
    for (let index = at; index < trials.length; index++) {
      const trial = trials[index];
      if (trial === undefined || trial.isIdle() || !isTooLong(trial)) continue;
      trial.outOfTime();
      trials[index] = undefined;
    }
  }

  function needsBound(): boolean {
    let steps = 0;
    for (const trial of trials.slice(at)) {
      if (trial !== undefined) steps += trial.expression.steps * trial.text.length;
    }
    return !(steps <= FEW_STEPS);
  }

  function runOnce(isUrgent: boolean): void {
    const before = at;
    const startMs = cpuMs();
    const isStopped = !runBounded(goOn, isUrgent ? URGENT_LIMIT_MS : LIMIT_MS);
    const trial = trials[at];
    if (at > before) {
      runs = 0;
      spentCpuMs = 0;
    } else if (isStopped && !isUrgent && trial !== undefined) {
      runs++;
      spentCpuMs += cpuMs() - startMs;
      const enoughRuns = trial.text.length < SHORT_CHARACTERS ? ENOUGH_RUNS : 1;
      if ((runs >= enoughRuns && spentCpuMs >= ENOUGH_CPU_MS) || runs >= MOST_RUNS) blame(trial);
    }
  }

  function blame(trial: Trial): void {
    const { expression, text } = trial;
    const before = limits.get(expression);
    const nowMs = now();
    const goesOn = before !== undefined && pauseLeftMs(before.rest, nowMs) > 0;
    const restMs =
      before === undefined ? FIRST_REST_MS : goesOn ? before.restMs : Math.min(before.restMs * 2, LONGEST_REST_MS);
    limits.set(expression, {
      characters: Math.ceil(text.length / 2),
      rest: goesOn ? before.rest : { sinceMs: nowMs, untilMs: nowMs + restMs },
      restMs,
    });
    trial.outOfTime();
    expression.tooSlow(text.length);
    at++;
    runs = 0;
    spentCpuMs = 0;
  }

  return {
    add(trial) {
      trials.push(trial);
    },
    added: () => trials.length,
    run(isUrgent) {
      giveUpLong();
      if (!needsBound()) goOn();
      else runOnce(isUrgent);
      return at;
    },
    clear() {
      trials = [];
      at = 0;
      runs = 0;
      spentCpuMs = 0;
    },
  };
}
