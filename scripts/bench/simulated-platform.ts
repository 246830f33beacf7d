// Lambda's side of a simulated sandbox: the events that the extension waits for, and the records that are gathered for a
// while before they are delivered. https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html

import type { NextEvent } from '../../src/lambda/extensions-api.ts';
import type { LambdaRecord } from './records.ts';
import type { SimulatedSandbox } from './simulated-time.ts';

/** The least that can be subscribed to. */
const BUFFERING_MS = 25;

export interface Platform {
  readonly nextEvent: () => Promise<NextEvent>;
  /** Whether the extension waits for an event. */
  readonly isAsked: () => boolean;
  /** Calls back when the extension has asked for the next event, at once if it has. */
  onAsked(run: () => void): void;
  /** Thaws the sandbox with an event. */
  send(event: NextEvent): void;
  /** A record is made; it is delivered with what else there is a buffering period later, if the sandbox is awake. */
  record(record: LambdaRecord): void;
}

export function createPlatform(sandbox: SimulatedSandbox, receive: (body: Buffer) => void): Platform {
  let buffered: LambdaRecord[] = [];
  let answer: ((event: NextEvent) => void) | undefined;
  let asked: (() => void) | undefined;

  return {
    nextEvent: () =>
      new Promise((resolve) => {
        answer = resolve;
        const run = asked;
        asked = undefined;
        run?.();
      }),
    isAsked: () => answer !== undefined,
    onAsked(run) {
      if (answer) run();
      else asked = run;
    },
    send(event) {
      const resolve = answer;
      if (!resolve) throw new Error('an event before it was asked for');
      answer = undefined;
      sandbox.thaw();
      resolve(event);
    },
    record(record) {
      buffered.push(record);
      if (buffered.length > 1) return;
      // Delivery needs both sides: while the sandbox is frozen it waits.
      sandbox.clock.after(BUFFERING_MS, () => {
        const body = Buffer.from(JSON.stringify(buffered));
        buffered = [];
        receive(body);
      });
    },
  };
}
