// Tells the operator about the pushes. Delivery reports every outcome here together with its consequence; only this
// file decides on the words and how often they appear. Remembers the last problem, for the line about losses.
import { type Diagnosis, diagnosePush } from '../diagnosis/diagnosis.ts';
import type { PushSymptom, Target } from '../diagnosis/symptoms.ts';
import type { Log } from '../log.ts';
import type { DropReason } from '../losses.ts';
import { type Clock, type EpochMs, isAged } from '../time.ts';
import type { PushOutcome } from './answer.ts';

/** What an outcome led to. */
export interface Consequence {
  /** Entries that are gone by it, and what they are counted as. */
  readonly lost: number;
  readonly reason: DropReason | undefined;
  /** `batch`: others pass while this one fails. `loki`: nothing passes, so it is Loki, the way there, or a setting. */
  readonly blamed: 'batch' | 'loki' | 'nobody';
  /** Whole batches were refused for good one after the other, for the same reason: from now on they are kept. */
  readonly isSetting: boolean;
}

export type Tell = (outcome: PushOutcome, consequence: Consequence) => void;

/** One push that has ended. */
export interface Pushed {
  readonly outcome: PushOutcome['kind'];
  readonly entries: number;
  /** Of the request, compressed. */
  readonly bytes: number;
  readonly tookMs: number;
}

export interface Teller {
  readonly tell: Tell;
  pushed(push: Pushed): void;
  /** Of those that were accepted. */
  slowestPushMs(): number;
  /** A flush had its time, and nothing was accepted. */
  ranOut(symptom: Extract<PushSymptom, { kind: 'ran_out' }>): void;
  /** How many pushes were accepted so far. */
  acceptedPushes(): number;
  /** Whether the last push that said anything of Loki was accepted, or there was none yet. */
  isWell(): boolean;
  /** The last thing that went wrong; it stays known when Loki is well again. */
  lastTrouble(): Diagnosis | undefined;
}

/**
 * So long pushes may meet nothing but freezes before it is told. A line waits for half of it where every freeze is met.
 */
const LUCKLESS_MS = 30_000;

export function createTeller(log: Log, targetNow: () => Target, clock: Pick<Clock, 'now'>): Teller {
  let last: Diagnosis | undefined;
  let accepted = 0;
  let slowestMs = 0;
  let isWell: boolean | undefined;
  /** Since when pushes have been ended by freezes, and none was accepted. */
  let frozenSinceMs: EpochMs | undefined;

  const diagnose = (symptom: PushSymptom) => diagnosePush(symptom, targetNow());

  function trouble(diagnosis: Diagnosis | undefined): void {
    if (!diagnosis) return;
    last = diagnosis;
    log.tell(diagnosis);
  }

  function unwell(diagnosis: Diagnosis | undefined): void {
    trouble(diagnosis);
    if (isWell !== false) log.write('info', 'Loki is not well', { id: diagnosis?.id });
    isWell = false;
  }

  function wasAccepted(symptom: PushSymptom): void {
    accepted++;
    frozenSinceMs = undefined;
    if (isWell === false) log.write('info', 'Loki is well again');
    isWell = true;
    const odd = diagnose(symptom);
    if (odd) log.tell(odd);
  }

  return {
    pushed(push) {
      if (log.isOn('debug')) log.write('debug', 'push', { ...push });
      if (push.outcome !== 'accepted') return;
      if (accepted === 0) log.write('info', 'first push accepted', { entries: push.entries, tookMs: push.tookMs });
      slowestMs = Math.max(slowestMs, push.tookMs);
    },
    slowestPushMs: () => slowestMs,
    tell(outcome, { lost, blamed, isSetting }) {
      switch (outcome.kind) {
        case 'accepted':
          wasAccepted(outcome);
          return;
        case 'interrupted':
          // For a while it may be a matter of luck; where something was seen to fail, it is not.
          frozenSinceMs ??= clock.now();
          if (outcome.last || isAged(frozenSinceMs, LUCKLESS_MS, clock.now())) unwell(diagnose(outcome));
          return;
        case 'rejected':
        case 'too_large':
          if (isSetting) unwell(asError(diagnose(outcome)));
          else if (lost > 0) trouble(diagnose(outcome));
          return;
        case 'metadata_disallowed':
          trouble(diagnose(outcome));
          return;
        default:
          if (blamed === 'batch') trouble(ofOneBatch(diagnose(outcome)));
          else unwell(diagnose(outcome));
      }
    },
    ranOut: (symptom) => unwell(diagnose(symptom)),
    acceptedPushes: () => accepted,
    isWell: () => isWell !== false,
    lastTrouble: () => last,
  };
}

/** Others pass, so it is no matter of settings. */
function ofOneBatch(diagnosis: Diagnosis | undefined): Diagnosis | undefined {
  return diagnosis && { ...diagnosis, level: 'warn', sentence: `${diagnosis.sentence}; other pushes pass` };
}

function asError(diagnosis: Diagnosis | undefined): Diagnosis | undefined {
  return diagnosis && { ...diagnosis, level: 'error' };
}
