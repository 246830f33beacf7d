// The fake Loki is held to the documented behaviour of the real one. Requests are built here by hand, from bytes, so that
// neither the fake nor the extension's encoder is measured by itself.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { type FakeLoki, type FakeLokiOptions, startFakeLoki } from '../../fakes/fake-loki.ts';
import { decodeSnappyBlock } from '../../fakes/loki/snappy.ts';
import { type Entry, pushRequest, type Stream, snappyLiterals } from './push-bytes.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');
const nowNs = BigInt(now) * 1_000_000n;
const labels = '{service_name="checkout"}';

async function start(t: TestContext, options: FakeLokiOptions = {}): Promise<FakeLoki> {
  const loki = await startFakeLoki({ now: () => now, ...options });
  t.after(() => loki.close());
  return loki;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(
  loki: FakeLoki,
  body: Uint8Array,
  headers: Record<string, string> = {},
  path = '/loki/api/v1/push',
): Promise<Answer> {
  const all = { 'content-type': 'application/x-protobuf', ...headers };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  const response = await fetch(loki.url + path, { method: 'POST', body: Buffer.from(body), headers: given });
  return { status: response.status, text: (await response.text()).trimEnd() };
}

function push(loki: FakeLoki, ...streams: Stream[]): Promise<Answer> {
  return post(loki, snappyLiterals(pushRequest(streams)));
}

function entry(line: string, timestampNs = nowNs, metadata: Entry['metadata'] = []): Entry {
  return { line, timestampNs, metadata };
}

test('reads the published test vectors', async (t) => {
  const loki = await start(t);
  const plain = `0a440a197b736572766963655f6e616d653d22636865636b6f7574227d12270a0b0880f2d6ca0610c0a9d33a120568656c6c6f1a110a0a726571756573745f69641203722d31`;
  const copied = `56c00a540a197b736572766963655f6e616d653d22636865636b6f7574227d12370a0b0880f2d6ca0610c0a9d33a1228616161920200`;
  const empty = `0a130a077b613d2262227d12080a060880f2d6ca06`;
  assert.equal((await post(loki, Buffer.from(`46f045${plain}`, 'hex'))).status, 204);
  assert.equal((await post(loki, Buffer.from(copied, 'hex'))).status, 204);
  assert.equal((await post(loki, snappyLiterals(Buffer.from(empty, 'hex')))).status, 204);
  const [first, second, third] = loki.entries();
  assert.deepEqual(first, {
    labels: { service_name: 'checkout' },
    timestampNs: nowNs + 123_000_000n,
    line: 'hello',
    metadata: { request_id: 'r-1' },
    requestIndex: 0,
    stream: '{service_name="checkout"}',
  });
  assert.equal(second?.line, 'a'.repeat(40));
  assert.equal(third?.line, '');
  assert.deepEqual(third?.labels, { a: 'b', service_name: 'unknown_service' });
});

test('refuses damaged snappy blocks of every kind', () => {
  const good = Buffer.from('0a0c68656c6c1101', 'hex');
  assert.equal(decodeSnappyBlock(Buffer.from([5, 4 << 2, ...Buffer.from('hello')]))?.toString(), 'hello');
  assert.equal(decodeSnappyBlock(good), undefined, 'a copy from before the start');
  assert.equal(decodeSnappyBlock(Buffer.from([6, 4 << 2, ...Buffer.from('hello')])), undefined, 'shorter than said');
  assert.equal(decodeSnappyBlock(Buffer.from([4, 4 << 2, ...Buffer.from('hello')])), undefined, 'longer than said');
  assert.equal(decodeSnappyBlock(Buffer.from([9, 8 << 2, ...Buffer.from('hello')])), undefined, 'literal cut off');
  assert.equal(decodeSnappyBlock(Buffer.from([5, 0x01, 0x00])), undefined, 'a copy of offset 0');
  assert.equal(decodeSnappyBlock(Buffer.from('ff060000734e61507059', 'hex')), undefined, 'the framed format');
  assert.equal(decodeSnappyBlock(Buffer.alloc(0)), undefined);
  assert.equal(decodeSnappyBlock(Buffer.from([8, 0, 0x61, 0x0d, 0x01]))?.toString(), 'aaaaaaaa', 'a copy over itself');
});

test('follows the matrix of content types and encodings', async (t) => {
  const loki = await start(t);
  const raw = pushRequest([{ labels, entries: [entry('x')] }]);
  const snappy = snappyLiterals(raw);
  const json = Buffer.from(
    JSON.stringify({ streams: [{ stream: { a: 'b' }, values: [[String(nowNs), 'json', { k: 'v' }]] }] }),
  );
  const cases: [string, Uint8Array, string, string, number, RegExp?][] = [
    ['no content type', snappy, '', '', 400, /^mime: no media type$/],
    ['another type is protobuf too', snappy, 'text/plain; charset=utf-8', '', 204],
    ['snappy named', snappy, 'application/x-protobuf', 'snappy', 204],
    ['gzip around snappy', gzipSync(snappy), 'application/x-protobuf', 'gzip', 204],
    ['gzip around protobuf', gzipSync(raw), 'application/x-protobuf', 'gzip', 400, /^snappy: corrupt input$/],
    ['raw deflate around snappy', deflateRawSync(snappy), 'application/x-protobuf', 'deflate', 204],
    ['zlib deflate', deflateSync(snappy), 'application/x-protobuf', 'deflate', 400, /^EOF$/],
    ['zstd', snappy, 'application/x-protobuf', 'zstd', 400, /not supported/],
    ['identity', snappy, 'application/x-protobuf', 'identity', 400, /not supported/],
    ['plain protobuf', raw, 'application/x-protobuf', '', 400, /^snappy: corrupt input$/],
    ['empty body', Buffer.alloc(0), 'application/x-protobuf', '', 400, /^snappy: corrupt input$/],
    ['json', json, 'application/json', '', 204],
    ['json with snappy named', json, 'application/json; charset=utf-8', 'snappy', 204],
    [
      'json number as time',
      Buffer.from('{"streams":[{"stream":{"a":"b"},"values":[[1,"x"]]}]}'),
      'application/json',
      '',
      400,
    ],
  ];
  for (const [name, body, type, encoding, status, text] of cases) {
    const answer = await post(loki, body, { 'content-type': type, 'content-encoding': encoding });
    assert.equal(answer.status, status, `${name}: ${answer.text}`);
    if (text !== undefined) assert.match(answer.text, text, name);
  }
  assert.deepEqual(
    loki.entries({ labels: { a: 'b' } }).map((found) => found.line),
    ['json'],
  );
});

test('loses one entry, one stream or the whole request, as Loki does', async (t) => {
  const loki = await start(t);
  const good = entry('good');
  const long = entry('x'.repeat(262_145), nowNs + 1n);
  const old = entry('old', nowNs - 604_801n * 1_000_000_000n);
  const ahead = entry('ahead', nowNs + 601n * 1_000_000_000n);
  const pairs = entry(
    'pairs',
    nowNs + 2n,
    Array.from({ length: 129 }, (_, index) => [`k${index}`, 'v'] as const),
  );
  const large = entry('large', nowNs + 3n, [['k', 'v'.repeat(65_536)]]);
  const answer = await push(loki, { labels, entries: [long, old, ahead, pairs, large, good] });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /max entry size '262144' bytes exceeded .* length '262145' bytes/);
  assert.match(answer.text, /timestamp too old: 2025-12-24T23:59:59\.000000000Z/);
  assert.match(answer.text, /timestamp too new/);
  assert.match(answer.text, /too many structured metadata labels: '129', limit: '128'/);
  assert.match(answer.text, /structured metadata too large: '65537' bytes, limit: '65536'/);
  assert.deepEqual(
    loki.entries().map((found) => found.line),
    ['good'],
  );

  const names = Array.from({ length: 16 }, (_, index) => `l${index}="v"`);
  const tooMany = { labels: `{${names.join(',')}}`, entries: [good] };
  const justRight = { labels: `{${names.slice(1).join(',')},service_name="s"}`, entries: [good] };
  const twice = { labels: '{a="1",a="2"}', entries: [good] };
  const value = { labels: `{a="${'é'.repeat(1025)}"}`, entries: [good] };
  const mixed = await push(loki, tooMany, justRight, twice, value);
  assert.equal(mixed.status, 400);
  assert.match(mixed.text, /has 16 label names; limit 15/);
  assert.match(mixed.text, /duplicate label name: 'a'/);
  assert.match(mixed.text, /label value too long/);
  assert.equal(loki.entries().length, 2);

  const whole = await push(loki, { labels: '{b="c"}', entries: [good] }, { labels: '{a', entries: [good] });
  assert.equal(whole.status, 400);
  assert.match(whole.text, /^couldn't parse labels: /);
  assert.equal(loki.entries().length, 2);
});

test('parses labels in every form that is portable, and no other', async (t) => {
  const loki = await start(t);
  const good = ['{b="2",a="1"}', `{ a = '1' , b="2",}`, '{a=`1`,b="\\u0032"}', '{a="\\x31",b="2",c=""}'];
  for (const [index, text] of good.entries()) {
    assert.equal((await push(loki, { labels: text, entries: [entry('x', nowNs + BigInt(index))] })).status, 204, text);
  }
  assert.deepEqual(
    [...new Set(loki.entries().map((found) => found.stream))],
    ['{a="1", b="2", service_name="unknown_service"}'],
  );
  const bad = [
    'a="1"',
    '{a=1}',
    '{a=~"1"}',
    '{a.b="1"}',
    '{1a="1"}',
    '{é="1"}',
    '{a="1" b="2"}',
    '{a="1"}x',
    '{a="\n"}',
  ];
  bad.push('{a="\\e"}', '{a="\\ud800"}', '{a="\\ufffd"}', '{a="\uFFFD"}', '{a="1"', '{"a"="1"}');
  for (const text of bad) {
    assert.equal((await push(loki, { labels: text, entries: [entry('x')] })).status, 400, text);
  }
});

test('answers 500 to metadata names that cannot be cleaned up, and stores nothing of that request', async (t) => {
  const loki = await start(t);
  for (const name of ['', '_', '...', '日本']) {
    const answer = await push(loki, { labels, entries: [entry('a'), entry('b', nowNs, [[name, 'v']])] });
    assert.equal(answer.status, 500, name);
    assert.match(answer.text, /label name is empty|normalization for label name/);
  }
  assert.equal(loki.entries().length, 0);
  await push(loki, {
    labels,
    entries: [
      entry('c', nowNs, [
        ['http.status', '200'],
        ['1a', '\uFFFD'],
        ['gone', ''],
      ]),
    ],
  });
  assert.deepEqual(loki.entries()[0]?.metadata, { http_status: '200', key_1a: ' ' });
});

test('refuses messages over 4 MiB with a 500, requests without streams with 422, bad nanos with 400', async (t) => {
  const loki = await start(t);
  const lines = Array.from({ length: 17 }, (_, index) => entry('x'.repeat(262_144), nowNs + BigInt(index)));
  const large = await push(loki, { labels, entries: lines });
  assert.equal(large.status, 500);
  assert.match(large.text, /received message larger than max \(\d+ vs\. 4194304\)/);
  assert.equal((await push(loki)).status, 422);
  const nanos = Buffer.from('0a190a077b613d2262227d120e0a0c0880f2d6ca06108094ebdc03', 'hex');
  const answer = await post(loki, snappyLiterals(nanos));
  assert.equal(answer.status, 400);
  assert.match(answer.text, /nanos not in range/);
  assert.equal(loki.entries().length, 0);
});

test('drops what is over an hour behind its stream, and tells only about the last stream', async (t) => {
  const loki = await start(t);
  const behind = entry('behind', nowNs - 3_601n * 1_000_000_000n);
  const late = entry('late', nowNs - 3_599n * 1_000_000_000n);
  await push(loki, { labels, entries: [entry('now')] });
  const refused = await push(loki, { labels, entries: [behind, late] });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /entry too far behind/);
  assert.match(refused.text, /total ignored: 1 out of 2/);
  const hidden = await push(loki, { labels, entries: [behind] }, { labels: '{a="b"}', entries: [entry('other')] });
  assert.equal(hidden.status, 204);
  assert.deepEqual(
    loki.entries().map((found) => found.line),
    ['now', 'late', 'other'],
  );
});

test('switches metadata and the time checks off', async (t) => {
  const off = { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined, allowStructuredMetadata: false };
  const loki = await start(t, { limits: off });
  assert.equal((await push(loki, { labels, entries: [entry('future', nowNs * 2n), entry('past', 1n)] })).status, 204);
  const answer = await push(loki, { labels, entries: [entry('with', nowNs, [['k', 'v']]), entry('without')] });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /structured metadata, but this feature is disallowed/);
  assert.deepEqual(
    loki.entries().map((found) => found.line),
    ['future', 'past', 'without'],
  );
});

test('counts duplicates by stream, nanosecond, line and metadata', async (t) => {
  const loki = await start(t);
  const same = entry('x', nowNs, [
    ['b', '1'],
    ['a', '2'],
  ]);
  await push(loki, {
    labels,
    entries: [
      same,
      entry('x', nowNs, [
        ['a', '2'],
        ['b', '1'],
      ]),
    ],
  });
  assert.equal(loki.duplicates, 1);
  await push(loki, { labels, entries: [entry('x', nowNs + 1n), entry('x', nowNs), entry('y')] });
  await push(loki, { labels: '{a="b"}', entries: [same] });
  assert.equal(loki.duplicates, 1);
  assert.equal(loki.entries().length, 5);
});

test('asks for credentials and for a tenant where it is told to', async (t) => {
  const basic = await start(t, { auth: { username: 'u', password: 'p:w' } });
  const bearer = await start(t, { auth: { bearerToken: 'token' } });
  const tenant = await start(t, { tenant: 'team-a' });
  const body = snappyLiterals(pushRequest([{ labels, entries: [entry('x')] }]));
  assert.equal((await post(basic, body)).status, 401);
  assert.equal((await post(basic, body, { authorization: `Basic ${btoa('u:p:w')}` })).status, 204);
  assert.equal((await post(bearer, body, { authorization: 'Bearer wrong' })).status, 401);
  assert.equal((await post(bearer, body, { authorization: 'Bearer token' })).status, 204);
  assert.deepEqual(await post(tenant, body), { status: 401, text: 'no org id' });
  assert.equal((await post(tenant, body, { 'x-scope-orgid': 'team-a' })).status, 204);
  assert.equal(basic.entries().length + bearer.entries().length + tenant.entries().length, 3);
});

test('answers 404 and 405 outside of its endpoint', async (t) => {
  const loki = await start(t, { paths: ['/gateway/push'] });
  const body = snappyLiterals(pushRequest([{ labels, entries: [entry('x')] }]));
  assert.equal((await post(loki, body)).status, 404);
  assert.equal((await post(loki, body, {}, '/gateway/push')).status, 204);
  assert.equal((await fetch(`${loki.url}/gateway/push`)).status, 405);
  assert.equal((await fetch(`${loki.url}/ready`)).status, 200);
});
