import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countRefused, isClear, type PushOutcome, textLimitMs, toOutcome } from '../../../src/loki/answer.ts';
import { START_MS } from '../../fakes/fake-clock.ts';
import { textOf } from '../../fakes/loki/answers.ts';

function outcomeOf(status: number, text = textOf(status), retryAfter?: string): PushOutcome {
  return toOutcome({ status, text, retryAfter }, START_MS);
}

const TABLE: readonly (readonly [kind: PushOutcome['kind'], statuses: readonly number[]])[] = [
  ['unanswered', [100, 102, 103, 199]],
  ['accepted', [200, 201, 202, 203, 204, 205, 206, 207, 226, 299]],
  ['rejected', [260, 400, 422]],
  ['refused', [300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 414, 415]],
  ['refused', [417, 418, 423, 424, 426, 428, 431, 444, 451, 460]],
  ['too_large', [413]],
  ['throttled', [429]],
  ['failed', [408, 421, 425, 499, 500, 501, 502, 503, 504, 520, 529, 599, 999]],
];

for (const [kind, statuses] of TABLE) {
  for (const status of statuses) test(`${status} means ${kind}`, () => assert.equal(outcomeOf(status).kind, kind));
}

test('a success that is not quite that of Loki is worth a word', () => {
  assert.deepEqual(outcomeOf(204), { kind: 'accepted', status: 204 });
  assert.deepEqual(outcomeOf(200, ''), { kind: 'accepted', status: 200 });
  assert.deepEqual(outcomeOf(202, ''), { kind: 'accepted', status: 202, odd: 'status' });
  assert.deepEqual(outcomeOf(200, 'OK'), { kind: 'accepted', status: 200, odd: 'text' });
});

test('a page for people is not from Loki, whatever its status says', () => {
  for (const status of [200, 201, 206, 400, 406, 422]) {
    assert.equal(outcomeOf(status, '\n <!doctype html><title>Sign in</title>').kind, 'refused', `${status}`);
  }
  const signIn = { status: 200, text: '', contentType: 'text/html; charset=utf-8' };
  assert.equal(toOutcome(signIn, START_MS).kind, 'refused');
  assert.equal(toOutcome({ ...signIn, status: 204 }, START_MS).kind, 'accepted', '204 has no body, whatever its type');
  assert.equal(outcomeOf(413, '<html>too large</html>').kind, 'too_large');
  assert.equal(outcomeOf(502, '<html>bad gateway</html>').kind, 'failed');
});

test('a success is clear as soon as the body can no longer turn out to be a page; any other answer when it has ended', () => {
  const clear = (status: number, text = '', contentType?: string) => isClear({ status, text, contentType });
  assert.ok(clear(204) && clear(205) && clear(200, '<', 'text/html') && clear(201, 'ok') && clear(200, ' <'));
  for (const unclear of [clear(200), clear(200, ' \n'), clear(260), clear(400, 'entry'), clear(103)])
    assert.ok(!unclear);
});

test('the text of a success is waited for no longer than its first bytes take, but that of a page, and of any other answer', () => {
  const limitMs = (status: number, contentType?: string) => textLimitMs({ status, text: '', contentType });
  assert.equal(limitMs(204, 'text/html'), 0);
  assert.ok(limitMs(200) > 0 && limitMs(202, 'text/plain') <= 100);
  for (const long of [limitMs(200, 'text/html'), limitMs(260), limitMs(400)]) assert.ok(long > 500);
});

test('a request that Loki could not read to its end, or gave up on, is not refused: it is tried again', () => {
  for (const status of [400, 422, 409]) {
    for (const text of [
      'read tcp 10.0.1.2:3100->10.0.3.4:40712: i/o timeout\n',
      'unexpected EOF',
      'context canceled',
      'rpc error: code = Canceled desc = context canceled',
      'rpc error: code = DeadlineExceeded desc = context deadline exceeded\n',
      'read tcp 10.0.1.2:3100->10.0.3.4:40712: read: connection reset by peer',
    ]) {
      const isKnown = status !== 409 || /context|timeout|EOF/.test(text);
      assert.equal(outcomeOf(status, text).kind, isKnown ? 'failed' : 'refused', `${status} ${text}`);
    }
  }
});

test('what Loki refuses stays refused, also where it speaks of time-outs', () => {
  for (const text of [
    "stream '{error=\"i/o timeout\"}' has label value too long: 'i/o timeout'",
    "couldn't parse labels: 1:3: parse error: unexpected EOF in {",
    LATE,
  ]) {
    assert.equal(outcomeOf(400, text).kind, 'rejected', text);
  }
});

test('an unusual 4xx is from Loki if its words are', () => {
  const outcome = outcomeOf(409, LATE);
  assert.ok(outcome.kind === 'rejected' && outcome.reason === 'too_old');
  assert.equal(outcomeOf(406, 'snappy: corrupt input').kind, 'rejected');
  assert.equal(outcomeOf(406, 'Not Acceptable').kind, 'refused');
});

test('a text that is encoded is not read: nothing is counted by it, nothing of it is shown', () => {
  const encoded = { text: '\u001f\ufffd entry too far behind, total ignored: 1 out of 2', contentEncoding: 'gzip' };
  const outcome = toOutcome({ ...encoded, status: 400 }, START_MS);
  assert.ok(outcome.kind === 'rejected' && outcome.entries === 'all' && outcome.detail === '400');
  assert.equal(toOutcome({ ...encoded, text: '<\u001f', status: 200 }, START_MS).kind, 'accepted');
  assert.equal(toOutcome({ ...encoded, contentType: 'text/html', status: 200 }, START_MS).kind, 'refused');
});

test('a redirect names where it leads', () => {
  const outcome = toOutcome({ status: 302, text: '', location: 'https://sso.example/' }, START_MS);
  assert.ok(outcome.kind === 'refused' && outcome.location === 'https://sso.example/');
});

test('503 with Retry-After asks for a pause, 503 without has failed', () => {
  const outcome = outcomeOf(503, 'busy', '7');
  assert.ok(outcome.kind === 'throttled' && outcome.retryAfterMs === 7_000);
  assert.equal(outcomeOf(503, 'busy', 'soon').kind, 'failed');
});

test('foreign text costs no more than its length', () => {
  const hurtful = [
    `limit: ${'1'.repeat(262_144)}`,
    'limit: 1 '.repeat(29_000),
    `limit: 9B/sec ${'totaling '.repeat(29_000)}`,
    `limit: 9B/sec totaling ${'1'.repeat(262_144)}`,
    'structured metadata '.repeat(13_000),
    'disallowed '.repeat(23_000),
    `total ignored: ${'1'.repeat(262_144)}`,
    'total ignored: 1 out of '.repeat(11_000),
    'too old; '.repeat(29_000),
    `too old; ${'1'.repeat(262_144)}`,
    'too old; 1 errors like: '.repeat(11_000),
    `too old${' '.repeat(262_144)}x`,
    `${' '.repeat(262_144)}<`,
    'max entry'.repeat(29_000),
    'line too lon'.repeat(21_000),
  ];
  const startMs = performance.now();
  for (const text of hurtful) {
    for (const status of [200, 400, 409, 429, 500]) outcomeOf(status, text, text);
    isClear({ status: 200, text, contentType: text });
  }
  // All of it takes some 0.1 s; one expression that is quadratic takes a minute.
  assert.ok(performance.now() - startMs < 10_000);
});

test('260 says that all entries are gone because ingestion is blocked', () => {
  const outcome = outcomeOf(260);
  assert.ok(outcome.kind === 'rejected');
  assert.equal(outcome.reason, 'blocked');
  assert.equal(outcome.entries, 'all');
});

test('5xx that says the message is too large means too large', () => {
  for (const text of [
    'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5242946 vs. 4194304)',
    'request entity too large',
  ]) {
    assert.equal(outcomeOf(500, text).kind, 'too_large');
  }
});

const STREAM = `'{function_name="orders-api", region="eu-central-1", service_name="orders-api", source="lambda", type="function"}'`;
const LATE = `entry for stream ${STREAM} has timestamp too old: 2026-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-04T00:00:00Z`;
const LONG = `Max entry size '262144' bytes exceeded for stream ${STREAM} while adding an entry with length '300000' bytes`;
const NEW = `entry for stream ${STREAM} has timestamp too new: 2026-01-09T00:00:00Z`;

test('400 for one entry names the reason and counts one', () => {
  for (const [text, reason] of [
    [LATE, 'too_old'],
    [
      "entry with timestamp 2026-01-05 08:00:00 +0000 UTC ignored, reason: 'entry too far behind, oldest acceptable timestamp is: 2026-01-05T09:00:00Z',\nuser 'fake', total ignored: 1 out of 9",
      'too_old',
    ],
    [LONG, 'line_too_long'],
    [NEW, 'rejected'],
  ] as const) {
    const outcome = outcomeOf(400, text);
    assert.ok(outcome.kind === 'rejected');
    assert.equal(outcome.untimely ?? false, reason !== 'line_too_long');
    assert.equal(outcome.reason, reason);
    assert.equal(countRefused(outcome.entries, 9), 1);
  }
});

test('400 for several entries counts them all', () => {
  for (const [text, entries] of [
    [`${LATE}; ${LONG}`, 2],
    [`3 errors like: ${LATE}`, 3],
    [`3 errors like: ${LATE}; 2 errors like: ${LONG}`, 5],
    [`${LATE}; 10 errors like: ${LONG}; ${NEW}`, 12],
    [`entry too far behind, user 'fake', total ignored: 12 out of 340 for stream: ${STREAM}`, 12],
  ] as const) {
    const outcome = outcomeOf(400, text);
    assert.ok(outcome.kind === 'rejected');
    assert.equal(countRefused(outcome.entries, 340), entries, text);
  }
});

test('of entries that were refused at two places those that were stored are what is left', () => {
  const outcome = outcomeOf(400, `${LONG}; entry too far behind, user 'fake', total ignored: 2 out of 8`);
  assert.ok(outcome.kind === 'rejected');
  assert.equal(countRefused(outcome.entries, 10), 4, 'two were refused before the other eight were looked at');
});

test('no more entries are counted as refused than there were, and no fewer than none', () => {
  assert.equal(countRefused({ refused: 12 }, 5), 5);
  assert.equal(countRefused({ stored: 9 }, 5), 0);
  assert.equal(countRefused('all', 5), 5);
});

test('400 for the request or the stream counts every entry', () => {
  for (const text of [
    'snappy: corrupt input',
    textOf(400),
    `stream ${STREAM} has label value too long: 'x'`,
    `entry for stream ${STREAM} has 17 label names; limit 15`,
    'multiple org IDs present',
    '',
  ]) {
    const outcome = outcomeOf(400, text);
    assert.ok(outcome.kind === 'rejected');
    assert.equal(outcome.entries, 'all', text);
  }
});

test('a Loki that takes no structured metadata is told from one that found it too large', () => {
  const refusal = `stream ${STREAM} includes structured metadata, but this feature is disallowed. Please see \`limits_config.allow_structured_metadata\``;
  assert.equal(outcomeOf(400, refusal).kind, 'metadata_disallowed');
  assert.equal(outcomeOf(400, `5 errors like: ${refusal}`).kind, 'metadata_disallowed');
  assert.equal(outcomeOf(400, `stream ${STREAM} has structured metadata too large: '70000' bytes`).kind, 'rejected');
});

test('429 tells whether the request alone is over the limit', () => {
  const text = (limit: number, bytes: number) =>
    `ingestion rate limit exceeded for user fake (limit: ${limit} bytes/sec) while attempting to ingest '3' lines totaling '${bytes}' bytes`;
  const stream = (bytes: string) =>
    `Per stream rate limit exceeded (limit: 500B/sec) while attempting to ingest for stream '{a="b"}' totaling ${bytes}`;
  const outcomes = [
    outcomeOf(429, stream('701B')),
    outcomeOf(429, stream('1KB')),
    outcomeOf(429, stream('499B')),
    outcomeOf(429, text(1_048, 3_000)),
    outcomeOf(429, text(4_194_304, 3_000)),
    outcomeOf(429, 'slow down'),
  ];
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === 'throttled' && outcome.tooMuchAtOnce),
    [true, true, false, true, false, false],
  );
});

test('Retry-After is read as seconds or as a date, and ignored when it is neither', () => {
  const waitMs = (retryAfter?: string) => {
    const outcome = outcomeOf(429, '', retryAfter);
    return outcome.kind === 'throttled' ? outcome.retryAfterMs : 'not throttled';
  };
  assert.equal(waitMs(), undefined);
  assert.equal(waitMs('7'), 7_000);
  assert.equal(waitMs('0'), 0);
  assert.equal(waitMs('-3'), 0);
  assert.equal(waitMs(new Date(START_MS + 30_000).toUTCString()), 30_000);
  assert.equal(waitMs(new Date(START_MS - 30_000).toUTCString()), 0);
  assert.equal(waitMs('soon'), undefined);
});

test('every status from 200 to 599 has an outcome with a detail that names it', () => {
  for (let status = 200; status < 600; status++) {
    const outcome = outcomeOf(status, 'x'.repeat(5_000));
    if (!('detail' in outcome)) continue;
    assert.ok(outcome.detail.startsWith(String(status)));
    assert.ok(outcome.detail.length < 2_100);
  }
});

test('the detail of a refusal is the status and the text, cut where it is long', () => {
  const detailOf = (text: string) => {
    const outcome = outcomeOf(400, text);
    return 'detail' in outcome ? outcome.detail : undefined;
  };
  assert.equal(detailOf(' entry out of order \n'), '400 entry out of order');
  const long = detailOf('x'.repeat(10_000)) ?? '';
  assert.match(long, /^400 x+$/);
  assert.ok(long.length > 1_000 && long.length < 2_100);
});

test('statuses that are about the request as such are refusals, also where the words are those of Loki', () => {
  for (const status of [401, 402, 403, 404, 405, 407, 410, 411, 415, 426, 431]) {
    assert.equal(outcomeOf(status, LATE).kind, 'refused', `${status}`);
  }
});

test('a refusal for the time of the entries says by how much the clock there is ahead, where it says the time', () => {
  const aheadMs = (text: string, date?: string) => {
    const outcome = toOutcome({ status: 400, text, date }, START_MS);
    assert.ok(outcome.kind === 'rejected');
    return 'clockAheadMs' in outcome ? outcome.clockAheadMs : 'not said';
  };
  const inAnHour = new Date(START_MS + 3_600_000).toUTCString();
  assert.equal(aheadMs(LATE, inAnHour), 3_600_000);
  assert.equal(aheadMs(NEW, inAnHour), 3_600_000);
  assert.equal(aheadMs(NEW, new Date(START_MS - 60_000).toUTCString()), -60_000);
  assert.equal(aheadMs(LATE), 'not said');
  assert.equal(aheadMs(LATE, 'noon'), 'not said');
  assert.equal(aheadMs(LONG, inAnHour), 'not said');
});

test('a request is too much at once from one byte over the limit on, in whatever unit either is told', () => {
  const isTooMuch = (limit: string, total: string) => {
    const outcome = outcomeOf(429, `rate limit exceeded (limit: ${limit}/sec) while ingesting, totaling ${total}`);
    return outcome.kind === 'throttled' && outcome.tooMuchAtOnce;
  };
  for (const [unit, bytes] of [
    ['B', 1],
    ['KB', 1_024],
    ['MB', 1_048_576],
    ['GB', 1_073_741_824],
  ] as const) {
    assert.equal(isTooMuch(`2${unit}`, `${2 * bytes}B`), false, unit);
    assert.equal(isTooMuch(`2${unit}`, `${2 * bytes + 1}B`), true, unit);
  }
});
