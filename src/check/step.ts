// One step on the way to Loki, and its result.
import type { Diagnosis } from '../diagnosis/diagnosis.ts';

export interface Step {
  readonly step: string;
  /** `skipped`: it could not be tried, which is not a failure. */
  readonly status: 'ok' | 'warn' | 'failed' | 'skipped';
  readonly text: string;
  readonly tookMs?: number;
  readonly id?: string;
  readonly remedy?: string;
}

/** @param status if it is not a failure */
export function stepOf(step: string, { id, sentence, remedy }: Diagnosis, status: Step['status'] = 'failed'): Step {
  return { step, status, text: sentence, id, remedy };
}
