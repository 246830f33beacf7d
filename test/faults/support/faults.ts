// What can go wrong, as a table: how it begins, how it ends, and what may be lost by it once it is over.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeLoki } from '../../fakes/fake-loki.ts';
import type { ApiAnswer } from '../../fakes/lambda/api.ts';
import type { InvokeOptions } from '../../fakes/lambda/options.ts';
import { lambdaRecord } from '../../fakes/lambda/records.ts';
import type { LambdaEmulator } from '../../fakes/lambda-emulator.ts';
import type { LokiAnswer, LokiRequest } from '../../fakes/loki/answers.ts';
import { NO_WALL_CLOCK, takeWallClock, type WallClock } from '../../fakes/wall-clock.ts';
import {
  ANSWERS,
  behindProxy,
  NO_CONTROL_GROUPS,
  overTls,
  PARAMETER_ARN,
  type Surroundings,
  TROUBLE,
  withCpuOf,
  withFewDescriptors,
  withMemoryOf,
  withSecret,
} from './surroundings.ts';
import type { Way, WayMode } from './way.ts';

/** What a fault may lay its hands on. */
export interface World {
  readonly emulator: LambdaEmulator;
  readonly loki: FakeLoki;
  readonly way: Way;
  /** From 0 to 1, the same for the same seed. */
  readonly random: () => number;
  /** Given in the place of the answers to the next requests for an event, one after the other. */
  readonly nextAnswers: (ApiAnswer | 'reset')[];
  /** The sandbox's: Lambda tells deadlines by it too. */
  readonly wallClock: { aheadSeconds: number; ofProcess?: WallClock };
}

export interface Fault {
  readonly name: string;
  begin?(world: World): void | Promise<void>;
  end?(world: World): void | Promise<void>;
  /** Needs an extension that is there and not frozen: it begins while a function runs. */
  readonly awake?: true;
  /** How the invocations in which it lasts are run. */
  readonly invoke?: InvokeOptions;
  /** It begins with SHUTDOWN alone. */
  readonly atEnd?: true;
  /** An endpoint in the place of the way, for good. */
  readonly endpoint?: (way: Way) => string;
  /** What it needs beside the way, for the whole run. */
  readonly prepare?: (way: Way) => Promise<Surroundings> | Surroundings;
  /** `refused`: what Loki said no to for good; `poison`: the line that says so; `all`: it never ends. Default: nothing. */
  readonly loses?: 'refused' | 'poison' | 'all';
  /** Records that are no lines of the function's are lost, and told. */
  readonly unreadable?: boolean;
  /** So many records come with it that the platform did not emit: where it begins with SHUTDOWN they may come too late. */
  readonly records?: number;
  /** Lines may come twice. */
  readonly doubles?: boolean;
  /** Has so little CPU that a short SHUTDOWN is a matter of the machine: `make bench ONLY=shutdown`. */
  readonly isSlow?: true;
  /** Why it cannot be played on this machine. */
  readonly skip?: string | undefined;
}

/** What is ours of the 128 MB of a small function, at most. */
const MEMORY_MB = 96;
const CLOCK_SET_BY_SECONDS = 300;
/** Answers take so long: what is waited for is under way when the clock is set. */
const CLOCK_IS_SET_WITHIN_MS = 150;

/** Stands in one line of each invocation in which a fault lasts. */
export const POISON = 'poison';

const KEPT = [
  ...[301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 408, 410, 411, 415, 421, 425, 426, 429, 431, 499],
  ...[500, 501, 502, 503, 504, 505, 507, 511, 520, 529, 599],
];
const REFUSED = [260, 400, 406, 409, 412, 416, 417, 418, 422, 423, 428, 451];

const always = (answer: LokiAnswer) => ({
  begin: ({ loki }: World) => loki.script(() => answer),
  end: ({ loki }: World) => loki.script([]),
});
const when = (holds: (request: LokiRequest) => boolean, answer: LokiAnswer) => ({
  begin: ({ loki }: World) => loki.script((request) => (holds(request) ? answer : undefined)),
  end: ({ loki }: World) => loki.script([]),
});
const onTheWay = (mode: WayMode) => ({
  begin: ({ way }: World) => way.set(mode),
  end: ({ way }: World) => way.set({ kind: 'through' }),
});
const poisonous = ({ streams }: LokiRequest) =>
  streams.some(({ entries }) => entries.some(({ line }) => line.includes(POISON)));
const larger = (bytes: number) => (request: LokiRequest) => request.wire.length > bytes;
const html = { body: '<!doctype html><html><body>Sign in</body></html>', headers: { 'content-type': 'text/html' } };
const answers = (...list: (ApiAnswer | 'reset')[]) => ({
  begin: ({ nextAnswers }: World) => void nextAnswers.push(...list),
});

const ofLoki: readonly Fault[] = [
  ...KEPT.map((status) => ({ name: `Loki answers ${status}`, ...always({ status }) })),
  ...REFUSED.map((status) => ({ name: `Loki answers ${status}`, ...always({ status }), loses: 'refused' as const })),
  ...[200, 201, 202, 206, 299].map((status) => ({
    name: `Loki takes it with ${status}`,
    ...always({ status, store: true }),
  })),
  { name: 'Loki answers 429 with Retry-After', ...always({ status: 429, headers: { 'retry-after': '1' } }) },
  { name: 'Loki answers 503 with Retry-After', ...always({ status: 503, headers: { 'retry-after': '1' } }) },
  { name: 'a page to sign in', ...always({ status: 200, ...html }) },
  { name: 'a page to sign in, forbidden', ...always({ status: 403, ...html }) },
  { name: 'Loki answers 413 to all', ...always({ status: 413 }), loses: 'refused' },
  { name: 'Loki answers 413 over 1,500 bytes', ...when(larger(1_500), { status: 413 }) },
  { name: 'a firewall by size', ...when(larger(1_500), { status: 403, ...html }) },
  { name: 'a firewall by size that resets', ...when(larger(1_500), { reset: true }) },
  { name: 'a firewall by content', ...when(poisonous, { status: 403, ...html }), loses: 'poison' },
  { name: 'a firewall by content that resets', ...when(poisonous, { reset: true }), loses: 'poison' },
  { name: 'one bad batch', ...when(poisonous, { status: 500 }), loses: 'poison' },
  { name: 'stored, then failed', ...always({ status: 500, store: true }) },
  { name: 'reset before the answer', ...always({ reset: true }) },
  { name: 'stored, then reset', ...always({ resetAfterStore: true }) },
  { name: 'no answer', ...always({ stall: true }) },
  { name: 'late answers', ...always({ delayMs: 400 }) },
  { name: 'the text of an answer is late', ...always({ status: 204, store: true, bodyDelayMs: 3_000 }) },
  { name: 'a restart', begin: ({ loki }) => loki.refuse(), end: ({ loki }) => loki.listen() },
];

const ofTheWay: readonly Fault[] = [
  { name: 'connections are reset', ...onTheWay({ kind: 'reset' }) },
  { name: 'a black hole', ...onTheWay({ kind: 'swallow' }) },
  { name: 'cut in the head', ...onTheWay({ kind: 'cut', afterBytes: 40 }) },
  { name: 'cut in the body', ...onTheWay({ kind: 'cut', afterBytes: 400 }) },
  { name: 'garbage', ...onTheWay({ kind: 'say', words: Buffer.from([0, 1, 2, 255, 13, 10, 13, 10, 7, 7]) }) },
  { name: 'words of another protocol', ...onTheWay({ kind: 'say', words: 'SSH-2.0-OpenSSH_9.9\r\n' }) },
  { name: 'nothing but 102, and the end', ...onTheWay({ kind: 'say', words: 'HTTP/1.1 102 Processing\r\n\r\n' }) },
  {
    name: 'nothing but 103, and silence',
    ...onTheWay({ kind: 'say', words: 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', everyMs: 60_000 }),
  },
  { name: 'nothing but 100', ...onTheWay({ kind: 'say', words: 'HTTP/1.1 100 Continue\r\n\r\n', everyMs: 50 }) },
  { name: 'an endless head', ...onTheWay({ kind: 'say', words: `x-more: ${'y'.repeat(4_000)}\r\n`, everyMs: 1 }) },
  {
    name: 'an endless text',
    ...onTheWay({
      kind: 'say',
      words: `HTTP/1.1 500 No\r\ncontent-length: 99999999\r\n\r\n${'z'.repeat(9_000)}`,
      everyMs: 5,
    }),
  },
  { name: 'an answer of one byte', ...onTheWay({ kind: 'say', words: 'H' }) },
  { name: 'a name that is not there', endpoint: () => 'http://loki.invalid/', loses: 'all' },
  { name: 'TLS where there is none', endpoint: ({ url }) => url.replace('http:', 'https:'), loses: 'all' },
];

const hostile = [
  '',
  'null',
  '{}',
  '[]',
  '7',
  '"text"',
  '[1,2',
  'not JSON',
  `${'['.repeat(50_000)}`,
  '[{"type":"function"',
];

const ofTheListener: readonly Fault[] = [
  {
    name: 'hostile bodies',
    awake: true,
    begin: async ({ emulator }) => void (await emulator.deliver(hostile)),
    unreadable: true,
  },
  {
    name: 'bodies of one record, many in a row',
    awake: true,
    begin: async ({ emulator }) => {
      const bodies = Array.from({ length: 300 }, (_, n) =>
        JSON.stringify([{ type: 'platform.extension', record: { n } }]),
      );
      await emulator.deliver(bodies);
    },
    records: 300,
  },
  {
    name: 'a body of nearly 8 MiB',
    awake: true,
    begin: async ({ emulator }) => {
      const record = { type: 'platform.extension', record: { text: 'x'.repeat(100_000) } };
      await emulator.deliver([JSON.stringify(Array.from({ length: 80 }, () => record))]);
    },
    records: 80,
  },
  {
    name: 'a record in two bodies',
    awake: true,
    begin: async ({ emulator, random }) => {
      const text = JSON.stringify([{ type: 'platform.extension', record: { text: 'é'.repeat(150_000) } }]);
      const body = Buffer.from(text);
      const at = 1 + Math.floor(random() * (body.length - 2));
      await emulator.deliver([body.subarray(0, at), body.subarray(at)]);
    },
    unreadable: true,
  },
  {
    name: 'half a request, and then nothing',
    awake: true,
    begin: ({ emulator }) => knock(emulator, 5, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n[{"ty'),
  },
  { name: 'many connections', awake: true, begin: ({ emulator }) => knock(emulator, 200, '') },
  { name: 'no HTTP', awake: true, begin: ({ emulator }) => knock(emulator, 5, '\u0016\u0003\u0001 hello\r\n\r\n') },
];

const ofLambda: readonly Fault[] = [
  { name: 'the end of the function is never told', invoke: { runtimeDone: 'never', deadlineInMs: 1_200 } },
  { name: 'the end of the function is told twice', awake: true, begin: tellEnd, invoke: { durationMs: 60 } },
  { name: 'no report', invoke: { reportDelivery: 'never' } },
  { name: 'the report comes at SHUTDOWN', invoke: { reportDelivery: 'shutdown' } },
  { name: 'late lines', invoke: { lateLines: ['late one', 'late two'] } },
  { name: 'a timeout', invoke: { outcome: 'timeout', deadlineInMs: 400 } },
  { name: 'a crash', invoke: { outcome: 'crash' } },
  {
    name: 'a timeout with little time to end',
    invoke: { outcome: 'timeout', deadlineInMs: 400, shutdown: { deadlineInMs: 300 } },
  },
  { name: 'stopped at any instant', awake: true, begin: stopAwhile, invoke: { durationMs: 60 } },
  { name: 'the clock is set forward', ...setsClock(CLOCK_SET_BY_SECONDS) },
  { name: 'the clock is set back', ...setsClock(-CLOCK_SET_BY_SECONDS) },
  { name: 'next answers 500', ...answers({ status: 500, body: '' }, { status: 500, body: '{}' }) },
  {
    name: 'next answers 403',
    ...answers({ status: 403, body: '{"errorType":"Extension.UnknownExtensionIdentifier"}' }),
  },
  {
    name: 'next answers garbage',
    ...answers({ status: 200, body: 'garbage' }, { status: 200, body: '{"eventType":"WHAT"}' }),
  },
  { name: 'next is reset', ...answers('reset', 'reset') },
  { name: 'SIGTERM with SHUTDOWN', atEnd: true, begin: ({ emulator }) => terminate(emulator.pid) },
];

const ofTheSurroundings: readonly Fault[] = [
  { name: 'the proxy refuses', prepare: () => behindProxy(ANSWERS.refuses) },
  { name: 'the proxy wants credentials', prepare: () => behindProxy(ANSWERS.wantsCredentials) },
  { name: 'the proxy answers with a page', prepare: () => behindProxy(ANSWERS.page) },
  { name: 'the proxy closes', prepare: () => behindProxy('close') },
  { name: 'the proxy is silent', prepare: () => behindProxy('silent') },
  { name: 'Secrets Manager fails', prepare: () => withSecret(TROUBLE.fails) },
  { name: 'Systems Manager fails', prepare: () => withSecret(TROUBLE.fails, PARAMETER_ARN) },
  { name: 'Systems Manager limits', prepare: () => withSecret(TROUBLE.limits, PARAMETER_ARN) },
  { name: 'Systems Manager refuses', prepare: () => withSecret(TROUBLE.refuses, PARAMETER_ARN) },
  { name: 'Secrets Manager limits', prepare: () => withSecret(TROUBLE.limits) },
  { name: 'Secrets Manager refuses', prepare: () => withSecret(TROUBLE.refuses) },
  { name: 'a certificate of an authority of our own', prepare: (way) => overTls(way, true) },
  { name: 'a certificate that nobody trusts', prepare: (way) => overTls(way, false), loses: 'all' },
  { name: 'few descriptors', prepare: withFewDescriptors },
  ...[128, 256, 512, 1_769].map((memoryMb) => ({
    name: `the CPU of a function of ${memoryMb} MB`,
    prepare: () => withCpuOf(memoryMb),
    isSlow: true as const,
    skip: NO_CONTROL_GROUPS,
  })),
  { name: 'a memory limit', prepare: () => withMemoryOf(MEMORY_MB), skip: NO_CONTROL_GROUPS },
  {
    name: 'a memory limit, and bodies of nearly 8 MiB',
    prepare: () => withMemoryOf(MEMORY_MB),
    skip: NO_CONTROL_GROUPS,
    awake: true,
    begin: async ({ emulator }) => {
      const record = { type: 'platform.extension', record: { text: 'x'.repeat(100_000) } };
      const body = JSON.stringify(Array.from({ length: 80 }, () => record));
      await emulator.deliver([body, body, body]);
    },
    records: 240,
  },
  {
    name: 'few descriptors, and many connections',
    prepare: withFewDescriptors,
    awake: true,
    begin: ({ emulator }) => knock(emulator, 100, ''),
  },
];

export const FAULTS: readonly Fault[] = [...ofLoki, ...ofTheWay, ...ofTheListener, ...ofLambda, ...ofTheSurroundings];

/** Connects so many times to the listener and leaves each with these words. The kernel closes them when the test's process ends. */
async function knock({ subscription }: LambdaEmulator, count: number, words: string): Promise<void> {
  for (let left = subscription === undefined ? 0 : count; left > 0; left--) {
    const socket = connect(subscription?.port ?? 0, '127.0.0.1', () => socket.write(words));
    socket.on('error', () => {});
    socket.unref();
  }
  await sleep(20);
}

/** While the function runs still; it is told again when it is over. */
function tellEnd({ emulator }: World): void {
  const start = emulator.emitted.findLast(({ type }) => type === 'platform.start');
  const requestId = (start?.record as { readonly requestId?: string } | undefined)?.requestId;
  emulator.emit([lambdaRecord('platform.runtimeDone', { requestId, status: 'success' })]);
}

async function stopAwhile({ emulator, random }: World): Promise<void> {
  const { pid } = emulator;
  if (pid === undefined) return;
  setTimeout(() => {
    signal(pid, 'SIGSTOP');
    setTimeout(() => signal(pid, 'SIGCONT'), 300 * random());
  }, 60 * random());
}

/** At any instant of an event, whose deadline is told already; and to where it was when the fault is over. */
function setsClock(aheadSeconds: number): Omit<Fault, 'name'> {
  const set = ({ wallClock }: World, seconds: number) => {
    wallClock.aheadSeconds = seconds;
    try {
      wallClock.ofProcess?.setAhead(seconds);
    } catch {
      // It has ended.
    }
  };
  return {
    awake: true,
    skip: NO_WALL_CLOCK,
    invoke: { durationMs: 60 },
    async begin(world) {
      world.wallClock.ofProcess = takeWallClock(world.emulator.pid ?? 0);
      world.loki.script(() => ({ delayMs: CLOCK_IS_SET_WITHIN_MS, store: true }));
      await sleep(CLOCK_IS_SET_WITHIN_MS * world.random());
      set(world, aheadSeconds);
    },
    end(world) {
      world.loki.script([]);
      set(world, 0);
    },
  };
}

function terminate(pid: number | undefined): void {
  if (pid !== undefined) setTimeout(() => signal(pid, 'SIGTERM'), 20);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended.
  }
}
