// Every query that this project gives to its users is LogQL, by the grammar of Grafana's own editor: those of the documents, of the
// dashboard and of the rules. What they find is proved against a Loki: test/loki.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parser } from '@grafana/lezer-logql';

const root = path.join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

/** What Grafana puts in the place of its variables of time. */
const withTimes = (query: string) => query.replaceAll(/\$__(?:range|auto|interval)\b/g, '5m');

function assertLogQl(query: string): void {
  const cursor = parser.parse(withTimes(query)).cursor();
  do {
    if (cursor.type.isError) assert.fail(`no LogQL at ${JSON.stringify(query.slice(cursor.from))} of ${query}`);
  } while (cursor.next());
}

/** All values of this key, at any depth. */
function valuesOf(key: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === 'string' ? [inner] : valuesOf(key, inner),
  );
}

const queries: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    globSync('{*.md,docs/*.md,dashboards/*.md}', { cwd: root }).map((file) => [
      file,
      [...read(file).matchAll(/^ *```logql\n(.*?)\n *```$/gms)].map(([, query]) => query ?? ''),
    ]),
  ),
  'dashboards/lambda-loki.json': ['expr', 'stream'].flatMap((key) =>
    valuesOf(key, JSON.parse(read('dashboards/lambda-loki.json'))),
  ),
  'dashboards/lambda-loki-rules.yaml': [
    ...read('dashboards/lambda-loki-rules.yaml').matchAll(/expr: \|-\n +(.+)$/gm),
  ].map(([, query]) => query ?? ''),
};

for (const [file, list] of Object.entries(queries)) {
  if (list.length === 0) continue;
  test(`every query of ${file} is LogQL`, () => {
    for (const query of list) assertLogQl(query);
  });
}

test('no query is overlooked', () => {
  const written = read('dashboards/lambda-loki-rules.yaml').match(/\bexpr:/g);
  assert.equal(queries['dashboards/lambda-loki-rules.yaml']?.length, written?.length);
  for (const file of ['docs/queries.md', 'dashboards/lambda-loki.json'])
    assert.ok((queries[file]?.length ?? 0) > 5, file);
});

test('what is no LogQL is noticed', () => {
  for (const query of ['{a="b"', '{a="b"} | json ms=', 'sum by (a) count_over_time({a="b"}[1m])', '{a="b"} |= x']) {
    assert.throws(() => assertLogQl(query), /no LogQL/);
  }
});
