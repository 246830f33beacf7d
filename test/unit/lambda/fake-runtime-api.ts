// A Runtime API without sockets: answers in turn, and remembers what it was asked.
import type { RuntimeApi, RuntimeApiRequest, RuntimeApiResponse } from '../../../src/lambda/runtime-api.ts';

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Invariant: the request is in `requests` before it is answered; an Error in place of an answer is a failed connection. */
export class FakeRuntimeApi implements RuntimeApi {
  readonly requests: RuntimeApiRequest[] = [];
  readonly #answers: (FakeAnswer | Error)[];

  constructor(answers: readonly (FakeAnswer | Error)[]) {
    this.#answers = [...answers];
  }

  async request(request: RuntimeApiRequest, onSent?: () => void): Promise<RuntimeApiResponse> {
    this.requests.push(request);
    onSent?.();
    const answer = this.#answers.shift() ?? new Error('no answer is left');
    if (answer instanceof Error) throw answer;
    const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    return { status: answer.status, headers: new Map(headers), body: answer.body ?? '' };
  }
}
