// Sends the same pushes to a real Loki and to the fake one of the other tests: both must give the same status and the
// same text, and must hold the same entries afterwards. What the fake gets wrong, every test that trusts it gets wrong.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import type { LokiLimits } from '../fakes/loki/limits.ts';
import { type Entry, pushRequest, type Stream, snappyLiterals } from '../unit/fakes/push-bytes.ts';
import { lokiVariants } from './support/config.ts';
import { ownLoki } from './support/loki.ts';
import { lastHour, lokiQuery } from './support/query.ts';

type Pair = readonly [string, string];
type Push = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };
/** Pushes of one case, in order. `mark` must be in every line, so that the entries can be found again. */
type Case = { readonly name: string; readonly pushes: (mark: string, nowNs: bigint) => readonly Push[] };

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const HOUR_NS = 3_600_000_000_000n;

function entry(line: string, timestampNs: bigint, metadata: readonly Pair[] = []): Entry {
  return { line, timestampNs, metadata };
}

function protobuf(...streams: readonly Stream[]): Push {
  return { headers: PROTOBUF, body: snappyLiterals(pushRequest(streams)) };
}

function json(streams: unknown): Push {
  return { headers: JSON_TYPE, body: Buffer.from(JSON.stringify({ streams })) };
}

function one(name: string, make: (mark: string, nowNs: bigint) => Push): Case {
  return { name, pushes: (mark, nowNs) => [make(mark, nowNs)] };
}

const labelTexts = [
  '{b="2",a="1"}',
  '{a="1",}',
  '{ a = "1" }',
  "{a='1'}",
  '{a=`1\\n`}',
  '{}',
  '',
  '{a=""}',
  '{on="x",by="y",sum="z"}',
  '{foo.bar="x"}',
  '{foo-bar="x"}',
  '{1a="x"}',
  '{a=x}',
  '{a=~"x"}',
  '{a!="x"}',
  'a="x"',
  '{a="x',
  '{a="1",a="2"}',
  '{a="\\u00e9\\t\\"\\\\\\n"}',
  '{a="\\e"}',
  '{a="é \u{1F600}"}',
  '{a="\uFFFD"}',
  '{a="\\ufffd"}',
  '{a="1\n2"}',
  '{job="j",app="p"}',
];

const metadataNames = [
  'http.status.code',
  'a-b',
  'a..b',
  'a__b',
  '1a',
  '__x',
  '__x__',
  'aé',
  '',
  '_',
  '...',
  '日本',
  'a b',
];

const cases: readonly Case[] = [
  ...labelTexts.map((labels) =>
    one(`labels ${labels}`, (mark, ns) => protobuf({ labels, entries: [entry(mark, ns)] })),
  ),
  ...metadataNames.map((name) =>
    one(`metadata name '${name}'`, (mark, ns) =>
      protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns, [[name, 'v']])] }),
    ),
  ),
  one('metadata: empty value, repeated name, odd values', (mark, ns) => {
    const pairs: Pair[] = [
      ['empty', ''],
      ['twice', '1'],
      ['twice', '2'],
      ['odd', 'a\n"\0\uFFFD\u{1F600}'],
    ];
    return protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns, pairs)] });
  }),
  one('129 metadata pairs beside a good entry', (mark, ns) => {
    const pairs = Array.from({ length: 129 }, (_, i): Pair => [`n${i}`, 'v']);
    return protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns, pairs), entry(mark, ns + 1n)] });
  }),
  one('metadata over 64 KiB', (mark, ns) =>
    protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns, [['big', 'x'.repeat(65_534)]])] }),
  ),
  one('metadata of exactly 64 KiB', (mark, ns) =>
    protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns, [['big', 'x'.repeat(65_533)]])] }),
  ),
  one('a line at the limit, one over it, one of two-byte characters over it', (mark, ns) => {
    const entries = [
      entry(mark.padEnd(262_144, 'x'), ns),
      entry(mark.padEnd(262_145, 'x'), ns + 1n),
      entry(mark + 'é'.repeat(131_072), ns + 2n),
    ];
    return protobuf({ labels: `{service_name="${mark}"}`, entries });
  }),
  one('15 labels beside service_name, and 16', (mark, ns) => {
    const labels = (count: number) => Array.from({ length: count }, (_, i) => `n${String(i).padStart(2, '0')}="v"`);
    return protobuf(
      { labels: `{service_name="${mark}",${labels(15)}}`, entries: [entry(mark, ns)] },
      { labels: `{service_name="${mark}",${labels(16)}}`, entries: [entry(mark, ns + 1n)] },
    );
  }),
  one('a label value of 2,048 bytes and one of 2,049', (mark, ns) =>
    protobuf(
      { labels: `{service_name="${mark}",v="${'x'.repeat(2048)}"}`, entries: [entry(mark, ns)] },
      { labels: `{service_name="${mark}",v="${'x'.repeat(2049)}"}`, entries: [entry(mark, ns + 1n)] },
    ),
  ),
  one('a label name of 1,025 bytes', (mark, ns) =>
    protobuf({ labels: `{service_name="${mark}",${'n'.repeat(1025)}="v"}`, entries: [entry(mark, ns)] }),
  ),
  one('too old and too new beside a good entry', (mark, ns) => {
    const entries = [entry(mark, ns - 169n * HOUR_NS), entry(mark, ns), entry(mark, ns + HOUR_NS)];
    return protobuf({ labels: `{service_name="${mark}"}`, entries });
  }),
  {
    name: 'an entry more than an hour behind its stream, in the last stream and in the first',
    pushes: (mark, ns) => {
      const fresh = (name: string) => ({ labels: `{service_name="${mark}",s="${name}"}`, entries: [entry(mark, ns)] });
      const late = { labels: `{service_name="${mark}",s="a"}`, entries: [entry(`${mark} late`, ns - HOUR_NS - 1n)] };
      const edge = { labels: `{service_name="${mark}",s="a"}`, entries: [entry(`${mark} edge`, ns - HOUR_NS)] };
      return [protobuf(fresh('a')), protobuf(fresh('b'), late), protobuf(late, fresh('c')), protobuf(edge)];
    },
  },
  {
    name: 'the same push twice, then the same line a nanosecond later and with other metadata',
    pushes: (mark, ns) => {
      const labels = `{service_name="${mark}"}`;
      const first = protobuf({ labels, entries: [entry(mark, ns, [['a', '1']]), entry(mark, ns + 1n)] });
      const second = protobuf({ labels, entries: [entry(mark, ns + 2n), entry(mark, ns, [['a', '2']])] });
      return [first, first, second];
    },
  },
  one('one label set twice in a request', (mark, ns) =>
    protobuf(
      { labels: `{service_name="${mark}",a="1"}`, entries: [entry(mark, ns)] },
      { labels: `{a="1",service_name="${mark}"}`, entries: [entry(mark, ns + 1n)] },
    ),
  ),
  one('odd characters in lines', (mark, ns) => {
    const lines = ['\0', '\uFFFD', '\r\n', '\u001b[31m', '\u{1F600} \u05d0', '"\\'].map((text) => `${mark} ${text}`);
    return protobuf({
      labels: `{service_name="${mark}"}`,
      entries: lines.map((line, i) => entry(line, ns + BigInt(i))),
    });
  }),
  one('nanos of a whole second', (mark, ns) =>
    protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns - (ns % 1_000_000_000n))] }),
  ),
  one('no stream', () => protobuf()),
  one('a stream without entries', (mark) => protobuf({ labels: `{service_name="${mark}"}`, entries: [] })),
  one('an empty body', () => ({ headers: PROTOBUF, body: Buffer.alloc(0) })),
  one('over 4 MiB of protobuf', (mark, ns) => {
    const entries = Array.from({ length: 17 }, (_, i) => entry(mark.padEnd(262_144, 'x'), ns + BigInt(i)));
    return protobuf({ labels: `{service_name="${mark}"}`, entries });
  }),
  ...['', 'snappy', 'gzip', 'deflate', 'identity', 'br', 'zstd'].flatMap((encoding) => {
    const wrap = (body: Buffer) =>
      encoding === 'gzip' ? gzipSync(body) : encoding === 'deflate' ? deflateRawSync(body) : body;
    const headers = encoding === '' ? {} : { 'content-encoding': encoding };
    return [
      one(`protobuf with content encoding '${encoding}'`, (mark, ns) => {
        const push = protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns)] });
        return { headers: { ...push.headers, ...headers }, body: wrap(push.body) };
      }),
      one(`JSON with content encoding '${encoding}'`, (mark, ns) => {
        const push = json([{ stream: { service_name: mark }, values: [[String(ns), mark, { a: 'b' }]] }]);
        return { headers: { ...push.headers, ...headers }, body: wrap(push.body) };
      }),
    ];
  }),
  one('protobuf as text/plain', (mark, ns) => {
    const push = protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns)] });
    return { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: push.body };
  }),
  one('protobuf without a content type', (mark, ns) => {
    const push = protobuf({ labels: `{service_name="${mark}"}`, entries: [entry(mark, ns)] });
    return { headers: { 'content-type': '' }, body: push.body };
  }),
];

// Left out are moments, what the label parser says after its first words, the size of a message between Loki's own parts,
// and the order of several messages, which Loki itself draws anew each time.
function plain(text: string): string {
  return text
    .trim()
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| \+0000 UTC)/g, 'TIME')
    .replace(/^(couldn't parse labels): .*$/s, '$1')
    .replace(/\(\d+ vs\. /, '(SIZE vs. ')
    .split('; ')
    .sort()
    .join('; ');
}

async function push(url: string, { headers, body }: Push): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { method: 'POST', headers, body });
  return { status: answer.status, text: plain(await answer.text()) };
}

type Held = {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampNs: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
};

// `detected_level` is Loki's own addition, which the fake leaves out.
function comparable(entries: readonly Held[]): readonly string[] {
  return entries
    .map(({ labels, timestampNs, line, metadata }) => {
      const { detected_level: _, ...sent } = metadata;
      const sorted = (pairs: object) => JSON.stringify(Object.entries(pairs).sort());
      return `${timestampNs} ${sorted(labels)} ${sorted(sent)} ${line.length > 200 ? line.length : JSON.stringify(line)}`;
    })
    .sort();
}

async function compare(t: TestContext, settings: object, limits: Partial<LokiLimits>, chosen: readonly Case[]) {
  const real = await ownLoki(t, settings as Record<string, unknown>);
  if (real === undefined) return;
  const fake = await startFakeLoki({ limits });
  t.after(() => fake.close());
  const query = lokiQuery(real.url);
  for (const [index, { name, pushes }] of chosen.entries()) {
    await t.test(name, async () => {
      const mark = `mark-${String(index).padStart(3, '0')}-`;
      const sent = pushes(mark, BigInt(Date.now()) * 1_000_000n);
      for (const each of sent) {
        const expected = await push(real.pushUrl, each);
        assert.deepEqual(await push(`${fake.url}/loki/api/v1/push`, each), expected);
      }
      const window = lastHour();
      const stored = await query.entries(`{service_name=~".+"} |= "${mark}"`, {
        startNs: window.startNs - HOUR_NS,
        endNs: window.endNs,
      });
      const held = fake.entries().filter((one) => one.line.includes(mark));
      assert.deepEqual(comparable(held), comparable(stored));
    });
  }
}

test('the fake Loki answers and stores as the real one does', async (t) => {
  await compare(t, {}, {}, cases);
});

test('the fake Loki refuses structured metadata as the real one does', async (t) => {
  await compare(t, lokiVariants.noMetadata, { allowStructuredMetadata: false }, [
    one('entries with metadata beside one without', (mark, ns) => {
      const entries = [entry(mark, ns, [['a', 'b']]), entry(mark, ns + 1n), entry(mark, ns + 2n, [['c', 'd']])];
      return protobuf({ labels: `{service_name="${mark}"}`, entries });
    }),
  ]);
});
