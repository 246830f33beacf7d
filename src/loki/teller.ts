// What the operator hears of the answers of Loki. Delivery tells every outcome here, and what it did about it; which words
// that takes, and how often, is decided here alone.
import type { Log } from '../log.ts';
import type { DropReason } from '../losses.ts';
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

const REPORT_AGAIN_AFTER_MS = 60_000;

export function createTeller(log: Log): Tell {
  function warn(key: string, message: string, detail: string): void {
    log.writeOnce(key, 'warn', message, { detail }, REPORT_AGAIN_AFTER_MS);
  }

  return (outcome, { lost, reason, blamed, isSetting }) => {
    switch (outcome.kind) {
      case 'accepted':
      case 'interrupted':
        return;
      case 'metadata_disallowed': {
        const { detail } = outcome;
        log.writeOnce('metadata', 'warn', 'Loki takes no structured metadata: none is sent from now on', { detail });
        break;
      }
      case 'refused': {
        const { detail } = outcome;
        if (blamed === 'batch') {
          warn('refused some', 'Loki, or something before it, refuses some of our requests and takes others', detail);
          break;
        }
        log.writeOnce('refused', 'error', 'Loki refuses our requests: check endpoint, credentials and tenant', {
          detail,
        });
        break;
      }
      case 'throttled':
        warn('throttled', 'Loki limits the rate of our requests', outcome.detail);
        break;
      case 'failed':
      case 'unanswered':
      case 'unreadable':
        warn('failed', 'Loki does not take our requests at the moment', outcome.detail);
        break;
      case 'unreachable':
        warn('unreachable', 'Loki cannot be reached', outcome.detail);
        break;
      case 'rejected':
        if (isSetting) log.writeOnce('refused', 'error', 'Loki refuses all that we send', { detail: outcome.detail });
        if (lost > 0) warn(outcome.reason, 'Loki refused log lines', outcome.detail);
        return;
      case 'too_large':
        if (isSetting) log.writeOnce('refused', 'error', 'Loki refuses all that we send', { detail: outcome.detail });
        break;
    }
    if (lost > 0) warn(reason ?? 'rejected', 'gave up on log lines', outcome.detail);
  };
}
