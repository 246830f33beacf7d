// One step of the way to Loki, and what came of it.
import type { Diagnosis } from '../diagnosis/diagnosis.ts';

export interface Step {
  readonly step: string;
  /** `skipped`: it could not be tried, which is no failure. */
  readonly status: 'ok' | 'warn' | 'failed' | 'skipped';
  readonly text: string;
  readonly tookMs?: number;
  readonly id?: string;
  readonly remedy?: string;
}

/** @param status where it is no failure */
export function stepOf(step: string, { id, sentence, remedy }: Diagnosis, status: Step['status'] = 'failed'): Step {
  return { step, status, text: sentence, id, remedy };
}
