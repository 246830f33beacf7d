import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHtml, lokiWords, titleOf } from '../../../src/diagnosis/loki-words.ts';

const LABELS = '{service_name="their-secret-name", type="function"}';

/** What Loki and the gateways before it answer -> what of it may be shown. */
const answers: readonly (readonly [string, string])[] = [
  [
    "ingestion rate limit exceeded for user their-tenant (limit: 4194304 bytes/sec) while attempting to ingest '100' lines totaling '9000000' bytes, reduce log volume or contact your Loki administrator",
    'ingestion rate limit exceeded: 4194304 bytes/s, this push had 100 lines of 9000000 bytes',
  ],
  [
    `Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for stream '${LABELS}' totaling 701B, consider splitting a stream`,
    'per stream rate limit exceeded: 3MB/s',
  ],
  [`maximum active stream limit exceeded when trying to create stream ${LABELS}`, 'limit of active streams exceeded'],
  [
    `entry for stream '${LABELS}' has timestamp too old: 2019-10-11T20:40:18Z, oldest acceptable timestamp is: 2024-01-18T08:00:00Z`,
    'timestamp too old: 2019-10-11T20:40:18Z, oldest acceptable 2024-01-18T08:00:00Z',
  ],
  [
    `entry for stream '${LABELS}' has timestamp too new: 2036-01-01T00:00:00Z`,
    'timestamp too new: 2036-01-01T00:00:00Z',
  ],
  [
    `entry with timestamp 2022-08-02 12:32:37 +0000 UTC ignored, reason: 'entry too far behind, oldest acceptable timestamp is: 2022-08-03T15:25:57Z' for stream: ${LABELS},\ntotal ignored: 2 out of 10`,
    'entry too far behind the newest of its stream; 2 of 10 ignored',
  ],
  [
    `Max entry size '262144' bytes exceeded for stream '${LABELS}' while adding an entry with length '262145' bytes`,
    'line of 262145 bytes, the limit is 262144 (max_line_size)',
  ],
  [
    `entry for stream '${LABELS}' has 16 label names; limit 15`,
    '16 label names, the limit is 15 (max_label_names_per_series)',
  ],
  [`stream '${LABELS}' has label value too long: 'their-secret-name'`, 'label value too long'],
  ["couldn't parse labels: 1:3: parse error: their-secret-name", 'the labels cannot be parsed'],
  [
    `stream '${LABELS}' includes structured metadata, but this feature is disallowed. Please see limits_config.allow_structured_metadata`,
    'structured metadata is not allowed',
  ],
  ['no org id', 'no org id'],
  [
    "ingestion blocked for user 'their-tenant' until '2036-01-01T00:00:00Z' with status code '260'",
    'ingestion blocked until 2036-01-01T00:00:00Z',
  ],
  [
    'at least 2 live replicas required, could only find 1 - unhealthy instances: 10.1.2.3:9095',
    'at least 2 live replicas required, could only find 1',
  ],
  ['{"status":"error","error":"authentication error: invalid token"}', 'authentication error: invalid token'],
  [
    'rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)',
    'message of 5 bytes larger than max 4',
  ],
  ['404 page not found\n', '404 page not found'],
  ['Client sent an HTTP request to an HTTPS server.\n', 'plain HTTP was sent to an HTTPS port'],
];

for (const [answer, words] of answers) {
  test(`of ${JSON.stringify(answer.slice(0, 60))} it shows what is Loki's own`, () => {
    assert.equal(lokiWords(answer), words);
  });
}

test('shows nothing of a text that it does not know', () => {
  for (const text of ['', 'user alice logged in', 'invalid line: GET /secret 200', '{"message":"their-secret-name"}']) {
    assert.equal(lokiWords(text), undefined, text);
  }
});

test('says the same thing once, and three things at most', () => {
  const behind = "entry with timestamp x ignored, reason: 'entry too far behind' for stream: {}, ";
  assert.equal(lokiWords(behind.repeat(9)), 'entry too far behind the newest of its stream');
  assert.equal(lokiWords(answers.map(([answer]) => answer).join('; '))?.split('; ').length, 3);
});

test('what stands before and behind what it has found is still looked at, each in its place', () => {
  const text =
    "404 page not found; no org id; 3 errors like: Max entry size '5' bytes exceeded for stream '{}' while adding an entry with length '6' bytes";
  const words = lokiWords(text)?.split('; ') ?? [];
  assert.deepEqual(words.toSorted(), [
    '404 page not found',
    'line of 6 bytes, the limit is 5 (max_line_size)',
    'no org id',
  ]);
  assert.deepEqual(words, ['404 page not found', 'no org id', 'line of 6 bytes, the limit is 5 (max_line_size)']);
});

test('costs no more than the length of a text that means harm', () => {
  const hostile = [
    "max entry size '1' bytes exceeded",
    'limit: ',
    'tenant ID ',
    'ingestion blocked for user ',
    '<title',
  ];
  const startMs = performance.now();
  for (const part of hostile) {
    const text = part.repeat(Math.ceil(16_384 / part.length));
    lokiWords(text);
    titleOf(text);
  }
  // Tens of milliseconds; what is quadratic takes minutes.
  assert.ok(performance.now() - startMs < 20_000);
});

test('knows a web page, and its title on one line', () => {
  assert.equal(isHtml('\n <!DOCTYPE html><html>'), true);
  assert.equal(isHtml('<Error><Code>AccessDenied</Code></Error>'), true);
  assert.equal(isHtml('an <html> in a text'), false);
  assert.equal(titleOf('<html><head><title lang=en>\n 502\tBad\u0007 Gateway </title></head>'), '502 Bad Gateway');
  assert.equal(titleOf('<html><title></title>'), undefined);
  assert.equal(titleOf('<html><title>cut off'), undefined);
});
