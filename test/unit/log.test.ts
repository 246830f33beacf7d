import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, createOwnLineTest, LOG_NAME, type LogSink } from '../../src/log.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

function setUp(level: Parameters<typeof createLog>[0] = 'warn') {
  const clock = new FakeClock();
  const printed: string[] = [];
  let loads = 0;
  const sink: LogSink = (messageLevel, message) => void printed.push(`${messageLevel} ${message}`);
  const plain: LogSink = (messageLevel, message) => void printed.push(`plain ${messageLevel} ${message}`);
  const load = async () => {
    loads++;
    return sink;
  };
  return { clock, printed, log: createLog(level, load, clock.now, plain), loads: () => loads };
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

test('once it is closed nothing is loaded any more: what comes is printed plainly, and what was loaded is used on', async () => {
  const late = setUp();
  late.log.close();
  late.log.write('warn', 'one');
  assert.deepEqual(late.printed, ['plain warn one']);
  assert.equal(late.loads(), 0);
  const { log, printed } = setUp();
  log.write('warn', 'one');
  await log.printed();
  log.close();
  log.write('warn', 'two');
  assert.deepEqual(printed, ['warn one', 'warn two']);
});

test('what waits for the sink while the log is closed is printed once', async () => {
  const { log, printed } = setUp();
  log.write('warn', 'one');
  log.close();
  await log.printed();
  assert.deepEqual(printed, ['plain warn one']);
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
    async () => () => {
      throw new Error('EPIPE');
    },
    Date.now,
  );
  log.write('error', 'lost');
  await log.printed();
  log.write('error', 'lost as well');
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
