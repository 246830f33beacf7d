// Runs every query of docs/queries.md as it stands there against a real Loki, with traffic through the built extension, and
// requires the answer that the page promises. Only the function's name is put in.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { anyLoki } from './support/loki.ts';
import { type LokiQuery, lokiQuery, type Sample, type StoredEntry } from './support/query.ts';
import { FAILED_REQUEST, runStory, STORY } from './support/traffic.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/queries.md'), 'utf8');

/** What each query must find, in the page's order. */
const proofs: readonly Proof[] = [
  entriesProof('everything of one request', (entries) => {
    assert.ok(entries.every(({ metadata }) => metadata['request_id'] === FAILED_REQUEST));
    const events = entries.flatMap(({ metadata }) => metadata['event'] ?? []);
    assert.deepEqual(events, ['platform.start', 'platform.runtimeDone', 'platform.end', 'platform.report']);
    assert.equal(entries.filter(({ labels }) => labels['type'] === 'function').length, 3);
  }),
  entriesProof('the errors of one request', (entries) => {
    assert.equal(entries.length, STORY.errorLines.length);
    for (const [index, line] of STORY.errorLines.entries()) assert.ok(entries[index]?.line.endsWith(line));
  }),
  samplesProof('the slowest invocations', (samples) => {
    assert.deepEqual(samples.map(({ value }) => value).toSorted(descending), [...STORY.durationsMs]);
    assert.ok(samples.every(({ labels }) => labels['request_id'] !== undefined));
  }),
  valueProof('cold starts', STORY.coldStarts),
  valueProof('the slowest cold start', STORY.initMs),
  valueProof('billed milliseconds', sum(STORY.durationsMs)),
  valueProof('the highest share of the memory', STORY.memoryPercent),
  entriesProof('lost lines', (entries, functionName) => {
    const ours = entries.filter(({ labels }) => labels['function_name'] === functionName);
    const lost = ours.map(
      ({ parsed }) => Number(parsed['platformRecords']) + Number(parsed['dropped_unreadable_record'] ?? 0),
    );
    assert.equal(sum(lost), STORY.lostLines);
  }),
];

test('every query of docs/queries.md finds what the page says', async (t) => {
  const queries = [...page.matchAll(/^```logql\n(.*?)\n```$/gms)].map((match) => match[1] ?? '');
  assert.equal(queries.length, proofs.length, 'each query of the page needs a proof here');
  const loki = await anyLoki(t);
  const { functionName } = await runStory(t, loki);
  const asked = lokiQuery(loki.url);
  for (const [index, { name, check }] of proofs.entries()) {
    await t.test(name, () => check(asked, (queries[index] ?? '').replaceAll('orders-api', functionName), functionName));
  }
});

interface Proof {
  readonly name: string;
  check(loki: LokiQuery, query: string, functionName: string): Promise<void>;
}

function entriesProof(name: string, verify: (entries: readonly StoredEntry[], functionName: string) => void): Proof {
  return { name, check: async (loki, query, functionName) => verify(await loki.entries(query), functionName) };
}

function samplesProof(name: string, verify: (samples: readonly Sample[]) => void): Proof {
  return { name, check: async (loki, query) => verify(await loki.instant(query)) };
}

/** A metric by function of which ours must have this value. */
function valueProof(name: string, expected: number): Proof {
  return {
    name,
    async check(loki, query, functionName) {
      const samples = await loki.instant(query);
      const ours = samples.filter(({ labels }) => labels['function_name'] === functionName);
      assert.deepEqual(
        ours.map(({ value }) => value),
        [expected],
      );
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function descending(a: number, b: number): number {
  return b - a;
}
