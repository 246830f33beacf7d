// Every record of one body of the Logs API, through the whole pipeline: what arrives in Loki is what the platform sent.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { at, bodyOf, fixture, type PlatformRecord } from '../fakes/records.ts';
import { type Arrived, INSTANCE, setUp } from './pipeline-setup.ts';

const RECORDS = fixture('logs-api-2021-03-18.json') as PlatformRecord[];
const FIRST_REQUEST = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const typeOf = ({ type }: PlatformRecord) => (type.startsWith('platform') ? 'platform' : type);

const isRecent = (line: string) => line !== 'time at the epoch';

/** The line of a record: its text, its JSON, or the whole event. */
function lineOf(record: PlatformRecord): string {
  if (typeOf(record) === 'platform') return JSON.stringify(record);
  if (typeof record.record !== 'string') return JSON.stringify(record.record);
  return record.record.replace(/\r?\n$/, '');
}

describe('the records of the Logs API', () => {
  let arrived: readonly Arrived[];
  let core: ReturnType<typeof setUp>;
  const linesOf = (type: string) => arrived.filter((entry) => entry.type === type).map(({ line }) => line);
  const entryOf = (line: string) => arrived.find((entry) => entry.line === line) ?? assert.fail(`no line ${line}`);

  before(async () => {
    core = setUp({ logTypes: ['platform', 'function', 'extension'] });
    core.pipeline.begin();
    core.pipeline.receive(bodyOf(...RECORDS));
    arrived = await core.arrived();
  });

  test('every line arrives verbatim and in order within its stream, but for one that is too old to go with the others', () => {
    for (const type of ['function', 'platform', 'extension']) {
      const sent = RECORDS.filter((record) => typeOf(record) === type).map(lineOf);
      assert.deepEqual(linesOf(type).filter(isRecent), sent.filter((line) => line !== '').filter(isRecent), type);
    }
    assert.equal(linesOf('function').filter((line) => !isRecent(line)).length, 1);
  });

  test('empty lines are skipped and counted, and the books balance', () => {
    const { received, accepted, dropped } = core.ledger.totals();
    assert.equal(dropped.empty_line, 2);
    assert.equal(received, RECORDS.length);
    assert.equal(accepted, RECORDS.length - 2);
  });

  test('each stream has the labels that are promised and no request id among them', () => {
    for (const { type, labels } of arrived) {
      assert.equal(
        labels,
        `{account_id="123456789012",function_name="orders-api",region="eu-central-1",service_name="orders-api",source="lambda",type="${type}"}`,
      );
    }
  });

  test('no two entries of a stream have the same moment', () => {
    for (const type of ['function', 'platform', 'extension']) {
      const moments = arrived.filter((entry) => entry.type === type).map(({ nanoseconds }) => nanoseconds);
      assert.equal(new Set(moments).size, moments.length);
    }
  });

  test('moments are those that the records state, to the nanosecond', () => {
    const second = (time: string) => BigInt(Date.parse(time)) * 1_000_000n;
    const stated: [string, bigint][] = [
      ['time with microseconds', second('2026-01-05T10:02:00.123Z') + 456_000n],
      ['time with nanoseconds', second('2026-01-05T10:02:00.123Z') + 456_789n],
      ['time without fraction', second('2026-01-05T10:02:01Z')],
      ['time with an offset', second('2026-01-05T10:02:01.500Z')],
      ['time without zone', second('2026-01-05T10:02:02Z')],
      ['time in another notation', second('2026-01-05T10:02:02Z') + 1n],
      ['numeric time in milliseconds', 1_767_607_322_500_000_000n],
      ['older than the record before it', second('2026-01-05T10:01:59Z')],
      ['time at the epoch', 0n],
      ['time far ahead', second('2099-12-31T23:59:59.999Z')],
    ];
    for (const [line, nanoseconds] of stated) assert.equal(entryOf(line).nanoseconds, nanoseconds, line);
  });

  test('without a time that can be read the moment is that of receipt', () => {
    const lines = ['empty time', 'unparsable time', 'no time field', 'null time'];
    const receiptMs = BigInt(core.clock.now()) * 1_000_000n;
    assert.deepEqual(
      lines.map((line) => entryOf(line).nanoseconds - receiptMs),
      [0n, 1n, 2n, 3n],
    );
  });

  test('equal milliseconds keep the order of receipt', () => {
    const moments = arrived
      .filter(({ line }) => line.startsWith('2026-01-05T10:00:00.44') && line.includes(FIRST_REQUEST))
      .slice(0, 3)
      .map(({ nanoseconds }) => nanoseconds % 1_000_000n);
    assert.deepEqual(moments, [0n, 1n, 2n]);
  });

  test('the request id is that of the record, else of the invocation it falls in, else absent', () => {
    const expected: [string, string | undefined][] = [
      ['2026-01-05T10:00:00.299Z\tundefined\tINFO\tcold start: loading configuration', undefined],
      [
        '2026-01-05T10:00:00.446Z\t8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa\tINFO\treceived 3 items for order 4711',
        FIRST_REQUEST,
      ],
      ['plain print without request id or line end', FIRST_REQUEST],
      ['time with microseconds', '6f7f0961f83442118a7af6fe80b88d56'],
      ['42', '6f7f0961f83442118a7af6fe80b88d56'],
    ];
    for (const [line, requestId] of expected) assert.equal(entryOf(line).metadata['request_id'], requestId, line);
    const platform = (event: string) => arrived.filter(({ metadata }) => metadata['event'] === `platform.${event}`);
    assert.equal(at(platform('report'), 0).metadata['request_id'], FIRST_REQUEST);
    assert.equal(at(platform('report'), 2).metadata['request_id'], 'f7a4e9c1-2b7d-4e55-b1de-3c8f0a6d4e21');
    for (const { metadata } of platform('fault')) {
      assert.equal(metadata['request_id'], 'c2b6f0d4-6a1b-4f0b-8a53-1d7d2f7e9b10');
    }
    assert.equal(at(platform('logsSubscription'), 0).metadata['request_id'], undefined);
    assert.equal(at(platform('futureThing'), 0).metadata['request_id'], '6f7f0961f83442118a7af6fe80b88d56');
  });

  test('levels are those of the lines, and absent where a line has none', () => {
    const level = (part: string) => arrived.find(({ line }) => line.includes(part))?.metadata['level'];
    assert.equal(level('received 3 items'), 'info');
    assert.equal(level('Stückpreis'), 'warn');
    assert.equal(level('query plan'), 'debug');
    assert.equal(level('json line, still a string'), 'info');
    assert.equal(level('object where this API promises a string'), 'info');
    assert.equal(level('plain print'), undefined);
  });

  test('version, event and instance are on every entry they belong to', () => {
    for (const { type, metadata } of arrived) {
      assert.equal(metadata['function_version'], '$LATEST');
      assert.equal(metadata['instance'], INSTANCE);
      assert.equal('event' in metadata, type === 'platform');
      assert.equal('part' in metadata, false);
    }
  });

  test('what the platform dropped is said once, in one summary line and one warning', async () => {
    core.pipeline.reportLosses();
    core.pipeline.reportLosses();
    arrived = await core.arrived();
    const summaries = arrived.filter(({ line }) => line.includes('"platformRecords":123'));
    assert.equal(summaries.length, 1);
    assert.equal(at(summaries, 0).type, 'extension');
    assert.equal(core.log.messages.filter(({ level }) => level === 'warn').length, 1);
  });
});
