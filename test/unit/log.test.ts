import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnoseSandbox } from '../../src/diagnosis/diagnosis.ts';
import { createLog, createOwnLineTest, LOG_NAME, type LogSink, type Print } from '../../src/log.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

function setUp(level: Parameters<typeof createLog>[0] = 'warn') {
  const clock = new FakeClock();
  const printed: string[] = [];
  let loads = 0;
  const printAs =
    (how: string): Print =>
    (messageLevel, message, fields) =>
      void printed.push([how + messageLevel, message, ...Object.values(fields)].join(' '));
  const mask = (text: string) => text.replaceAll('hunter2', '[masked]');
  const sink: LogSink = { print: printAs(''), words: { mask, diagnose: diagnoseSandbox } };
  const load = async () => {
    loads++;
    return sink;
  };
  return { clock, printed, log: createLog(level, load, clock.now, printAs('plain ')), loads: () => loads };
}

test('nothing is loaded before there is something to print', async () => {
  const { log, printed, loads } = setUp();
  log.write('info', 'below the level');
  await log.printed();
  assert.equal(loads(), 0);
  assert.deepEqual(printed, []);
});

test('messages that wait for the sink are printed in order, and it is loaded once', async () => {
  const { log, printed, loads } = setUp();
  log.write('warn', 'one');
  log.write('error', 'two');
  await log.printed();
  log.write('fatal', 'three');
  assert.deepEqual(printed, ['warn one', 'error two', 'fatal three']);
  assert.equal(loads(), 1);
});

test('silent prints nothing at all', async () => {
  const { log, printed } = setUp('silent');
  log.write('fatal', 'x');
  await log.printed();
  assert.deepEqual(printed, []);
});

test('a message under a key is printed once, or again after its time', async () => {
  const { log, clock, printed } = setUp();
  log.writeOnce('a', 'warn', 'for ever');
  log.writeOnce('b', 'warn', 'each minute', {}, 60_000);
  await clock.advance(59_999);
  log.writeOnce('a', 'warn', 'for ever');
  log.writeOnce('b', 'warn', 'each minute', {}, 60_000);
  await clock.advance(1);
  log.writeOnce('a', 'warn', 'for ever');
  log.writeOnce('b', 'warn', 'each minute', {}, 60_000);
  await log.printed();
  assert.deepEqual(printed, ['warn for ever', 'warn each minute', 'warn each minute']);
});

test('a sink that cannot be loaded harms nobody', async () => {
  const log = createLog('warn', () => Promise.reject(new Error('broken')), Date.now);
  log.write('error', 'lost');
  await log.printed();
  log.write('error', 'lost as well');
});

test('a sink that fails harms nobody: standard output may be closed', async () => {
  const log = createLog(
    'warn',
    async () => ({
      print() {
        throw new Error('EPIPE');
      },
      words: { mask: (text) => text, diagnose: diagnoseSandbox },
    }),
    Date.now,
  );
  log.write('error', 'lost');
  await log.printed();
  log.write('error', 'lost as well');
});

test('every message goes through the mask, and so does each of its fields', async () => {
  const { log, printed } = setUp();
  log.write('warn', 'user:hunter2', { detail: 'hunter2', count: 2 });
  await log.printed();
  log.write('warn', 'hunter2');
  log.close();
  log.write('error', 'hunter2');
  assert.deepEqual(printed, ['warn user:[masked] [masked] 2', 'warn [masked]', 'error [masked]']);
});

test('a diagnosis is told with what to do, and again after a minute only', async () => {
  const { log, clock, printed } = setUp();
  log.tellSymptom({ kind: 'no_port', error: Object.assign(new Error('secret'), { code: 'EMFILE' }) });
  log.tellSymptom({ kind: 'no_port', error: undefined });
  await log.printed();
  assert.equal(printed.length, 1);
  assert.match(printed[0] ?? '', /^error no port can be bound, no logs are sent \(EMFILE\) no_port look for /);
  await clock.advance(60_000);
  log.tellSymptom({ kind: 'no_port', error: undefined });
  assert.equal(printed.length, 2);
});

test('each problem with a setting is told, although they have one id', async () => {
  const { log, printed } = setUp();
  for (const message of ['LOKI_A is odd', 'LOKI_B is odd'])
    log.tellSymptom({ kind: 'setting', level: 'warn', message });
  await log.printed();
  assert.equal(printed.length, 2);
});

test('once it is closed nothing is loaded any more: what comes is printed plainly, by the words that are there', async () => {
  const { log, printed, loads } = setUp();
  log.equip({ mask: (text) => text.replaceAll('hunter2', '[masked]'), diagnose: diagnoseSandbox });
  log.close();
  log.write('warn', 'hunter2');
  log.tellSymptom({ kind: 'no_port', error: undefined });
  assert.equal(loads(), 0);
  assert.equal(printed[0], 'plain warn [masked]');
  assert.match(printed[1] ?? '', /^plain error no port can be bound/);
});

test('what waits for the sink while the log is closed is printed once', async () => {
  const { log, printed } = setUp();
  log.write('warn', 'one');
  log.close();
  await log.printed();
  assert.deepEqual(printed, ['plain warn one']);
});

test('a clock that was set back keeps nobody silent', async () => {
  const { clock, printed } = setUp();
  let nowMs = clock.now();
  const sink: LogSink = {
    print: (_, message) => void printed.push(message),
    words: { mask: String, diagnose: diagnoseSandbox },
  };
  const log = createLog(
    'warn',
    async () => sink,
    () => nowMs,
  );
  log.writeOnce('a', 'warn', 'one', {}, 60_000);
  nowMs -= 3_600_000;
  log.writeOnce('a', 'warn', 'two', {}, 60_000);
  await log.printed();
  assert.deepEqual(printed, ['one', 'two']);
});

test('our own lines are known by name and process', () => {
  const isOwnLine = createOwnLineTest(17);
  const line = `{"level":"warn","time":1767607200118,"name":"${LOG_NAME}","pid":17,"msg":"x"}`;
  assert.equal(isOwnLine(line), true);
  assert.equal(isOwnLine(line.replace('17,', '171,')), false);
  assert.equal(isOwnLine(line.replace(LOG_NAME, 'other-extension')), false);
  assert.equal(isOwnLine(`they said: ${line}`), false);
  assert.equal(isOwnLine(''), false);
});
