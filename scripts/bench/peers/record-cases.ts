// The cases of a healthy Loki: is a record what it was? Each prints within one invocation; the sandbox stays awake for a while
// before SHUTDOWN, so that whoever pushes late is judged by what it pushes. When that comes is the matter of the first case.

import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { LambdaEmulator } from '../../../test/fakes/lambda-emulator.ts';
import { jsonForm, type Stored, token } from './tally.ts';
import type { Case, Stage } from './trial.ts';

const limitMs = 20_000;
const awakeMs = 2_500;
const requestId = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
/** As the Node runtime writes it; an old time in it could be taken for the record's. */
const prefix = () => `${new Date().toISOString()}\t${requestId}`;

/** Each gets a token; none is anything that a function would not print. */
const everydayLines: readonly ((mark: string) => string)[] = [
  (mark) => `${prefix()}\tINFO\torder stored ${mark}`,
  (mark) => `${prefix()}\tERROR\tpayment for user [42] failed ${mark}`,
  (mark) => `[INFO] ${prefix()} order stored ${mark}`,
  (mark) => `upstream answered {"status":503,"retry":true} after 3 tries ${mark}`,
  (mark) => `${prefix()}\tINFO\t{"level":"info","msg":"order stored","mark":"${mark}"}`,
  (mark) => `{"level":"error","msg":"no price for [AB-12]","orderId":4711,"mark":"${mark}"}`,
  (mark) => `Stückpreis für „Käse“ fehlt 価格不明 🧀 مرحبا ${mark}`,
  (mark) =>
    `TypeError: Cannot read properties of undefined (reading 'price')\n    at handler (/var/task/index.js:17:9)\n    at async Runtime.handleOnce ${mark}`,
  (mark) => `    indented, and with two spaces at the end ${mark}  `,
  (mark) => `columns\tin\ttabs\t${mark}`,
  (mark) => `C:\\temp\\"quoted" \\u0041 & <tag> ${mark}`,
  (mark) => `\u001b[31mred\u001b[0m on a terminal ${mark}`,
  (mark) => `level=warn msg="took long" ms=1234 ids=[1,2,3] ${mark}`,
  (mark) => `waiting for platform.runtimeDone ${mark}`,
];

/** Where the function's JSON log format is set, records are objects in the newer Telemetry schemas, strings elsewhere. */
const jsonRecords: readonly ((mark: string) => string)[] = [
  (mark) => `{"level":"INFO","message":"order stored ${mark}","requestId":"${requestId}"}`,
  (mark) => `{"message":"digits ${mark}","orderId":9007199254740993,"price":0.10}`,
  (mark) => `{"message":"nested ${mark}","items":[{"sku":"AB-12","tags":["a","b"]},null,true],"empty":{}}`,
  (mark) => `{"message":"<b>R&D</b> ${mark}","text":"Käse 🧀\\nsecond line"}`,
];

export const recordCases: readonly Case[] = [
  {
    title: 'In Loki when the invocation is over',
    about: 'One invocation prints 10 lines, then the sandbox is frozen; what is in Loki at that moment is counted.',
    limitMs,
    async story({ invoke, lines }) {
      await invoke({ lines: lines(10), durationMs: 30 });
    },
  },
  {
    title: 'Verbatim lines',
    about: `${everydayLines.length} lines as functions print them: brackets and JSON within text, JSON, other scripts, a stack trace as one record, spaces at both ends, tabs, escapes.`,
    limitMs,
    awake: true,
    async story(stage) {
      await stage.invoke({ lines: everydayLines.map((make) => printed(stage, make)), durationMs: 30 });
      await end(stage);
    },
  },
  {
    title: 'At its own time',
    about:
      'Lines whose records are up to 5 s old and 37 ms apart; counted are those that stand in Loki at the millisecond of their record.',
    limitMs,
    awake: true,
    judgesTime: true,
    async story(stage) {
      const beginMs = Date.now() - 5_000;
      const records = Array.from({ length: 100 }, (_, index) => {
        const timeMs = beginMs + 37 * index;
        const text = `order stored ${token(stage.nextToken())}`;
        stage.print({ text, timeMs });
        return { time: new Date(timeMs).toISOString(), type: 'function', record: `${text}\n` };
      });
      await stage.invoke({ records, durationMs: 30 });
      await end(stage);
    },
  },
  {
    title: 'Equal lines in one millisecond',
    about:
      '50 records with the same text and the same time. Loki keeps one entry of each stream, nanosecond, line and metadata.',
    limitMs,
    awake: true,
    async story(stage) {
      const text = `retrying ${token(stage.nextToken())}`;
      const record = { time: new Date().toISOString(), type: 'function', record: `${text}\n` };
      const records = Array.from({ length: 50 }, () => record);
      for (const _ of records) stage.print({ text });
      await stage.invoke({ records, durationMs: 30 });
      await end(stage);
    },
  },
  {
    title: 'JSON records',
    about:
      'Records as the JSON log format gives them: objects where the subscription is to a Telemetry schema from 2022-12-13 on (this extension, here with `LOKI_EXTENSION_API=telemetry`), strings elsewhere. Compared as JSON, numbers by their exact value.',
    limitMs,
    awake: true,
    ownSettings: { LOKI_EXTENSION_API: 'telemetry' },
    form: jsonForm,
    async story(stage) {
      await stage.emulator.start();
      const bodies = jsonRecords.map((make) => printed(stage, make));
      // Written by hand: as a JavaScript object a number would lose its digits.
      const records = bodies.map((text) => (givesObjects(stage.emulator) ? text : JSON.stringify(`${text}\n`)));
      const time = new Date().toISOString();
      const body = `[${records.map((record) => `{"time":"${time}","type":"function","record":${record}}`).join(',')}]`;
      await stage.invoke({ durationMs: 30, during: async () => void (await stage.emulator.deliver([body])) });
      await end(stage);
    },
  },
  {
    title: 'Split bodies',
    about:
      'A record of 300,000 characters comes as Lambda sends it: cut in two within its text, in two bodies that are no JSON, with 3 whole records around it. Each body is delivered once. The long line may stand in Loki in parts.',
    limitMs,
    awake: true,
    join: joinParts,
    async story(stage) {
      await stage.emulator.start();
      const [before, after, last] = stage.lines(3);
      const long = `${'abcdefghi '.repeat(30_000)}${token(stage.nextToken())}`;
      stage.print({ text: long });
      const head = (record: string) =>
        `{"time":"${new Date().toISOString()}","type":"function","record":${record.slice(0, 10)}`;
      const whole = (line = '') => `{"time":"${new Date().toISOString()}","type":"function","record":"${line}\\n"}`;
      const bodies = [
        `[${whole(before)},${head('')}"${long.slice(0, 150_000)}}]`,
        `[${head('')}${long.slice(150_000)}\\n"},${whole(after)},${whole(last)}]`,
      ];
      await stage.invoke({
        durationMs: 30,
        during: async () => {
          await stage.emulator.delivered();
          for (const body of bodies) await postOnce(stage.emulator, body);
        },
      });
      await end(stage);
    },
  },
];

function printed(stage: Stage, make: (mark: string) => string): string {
  const text = make(token(stage.nextToken()));
  stage.print({ text });
  return text;
}

async function end(stage: Stage): Promise<void> {
  await wait(awakeMs);
  await stage.shutdown();
}

function givesObjects({ subscription }: LambdaEmulator): boolean {
  return subscription?.api === 'telemetry' && subscription.schemaVersion >= '2022-12-13';
}

/** One attempt, whatever the answer: an emulator that repeated a refused body for ever would block all that follow. */
function postOnce({ subscription }: LambdaEmulator, body: string): Promise<void> {
  const { port, path, method } = subscription ?? {};
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request({ host: '127.0.0.1', port, path, method, headers, timeout: 5_000 });
    call.on('response', (response) => response.resume().on('close', resolve));
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', () => resolve());
    call.end(body);
  });
}

/** The parts of the long line as one, in the order of their time. */
function joinParts(stored: readonly Stored[]): readonly Stored[] {
  const isPart = ({ line }: Stored) => /^[a-i ]+(#\d+)?$/.test(line) && line.length > 1_000;
  const parts = stored.filter(isPart).toSorted((a, b) => (a.timestampNs < b.timestampNs ? -1 : 1));
  const [first] = parts;
  if (first === undefined) return stored;
  const whole = { ...first, line: parts.map(({ line }) => line).join('') };
  return [...stored.filter((entry) => !isPart(entry)), whole];
}
