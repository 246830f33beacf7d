// Runs every query of the Grafana dashboard and of the rules file against a real Loki, with traffic through the built
// extension: each must return data, and the figures must be those of the traffic.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { anyLoki, ownLoki } from './support/loki.ts';
import { type LokiQuery, lastHour, lokiQuery } from './support/query.ts';
import { runStory, STORY } from './support/traffic.ts';

interface Target {
  readonly expr: string;
  readonly queryType: 'instant' | 'range';
  readonly legendFormat?: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets: readonly Target[];
}

interface Variable {
  readonly name: string;
  readonly query: string | { readonly label: string; readonly stream: string };
}

const folder = path.join(import.meta.dirname, '../../dashboards');
const RULES = 'lambda-loki-rules.yaml';
const dashboard: { readonly panels: readonly Panel[]; readonly templating: { readonly list: readonly Variable[] } } =
  JSON.parse(readFileSync(path.join(folder, 'lambda-loki.json'), 'utf8'));

/** What the single figures must show. */
const figures: Readonly<Record<string, number>> = {
  Invocations: STORY.invocations,
  Failed: STORY.failed,
  'Failed, share of all': (100 * STORY.failed) / STORY.invocations,
  Timeouts: STORY.timeouts,
  'Cold starts': STORY.coldStarts,
  'Log lines lost': STORY.lostLines,
};

test('every query of the dashboard returns data', async (t) => {
  const loki = await anyLoki(t);
  const { functionName } = await runStory(t, loki);
  const asked = lokiQuery(loki.url);
  const window = lastHour();

  for (const { id, type, title, targets } of dashboard.panels.filter((panel) => panel.type !== 'row')) {
    await t.test(`${title} (${type} ${id})`, async () => {
      assert.ok(targets.length > 0);
      if (title === 'Lost lines by reason')
        return assert.ok(await someReturnsData(asked, window, targets, functionName));
      for (const { expr, queryType, legendFormat = '' } of targets) {
        const query = fillIn(expr, functionName);
        if (type === 'logs') {
          assert.ok((await asked.entries(query, window)).length > 0, query);
          continue;
        }
        const series =
          queryType === 'instant'
            ? (await asked.instant(query)).map(({ labels, value }) => ({ labels, values: [value] }))
            : await asked.range(query, window, 15);
        assert.ok(
          series.some(({ values }) => values.some((value) => value > 0)),
          query,
        );
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert.ok(
            series.some(({ labels }) => labels[label] !== undefined),
            `no label ${label}: ${query}`,
          );
        }
        if (type === 'stat')
          assert.deepEqual(
            series.map(({ values }) => values[0]),
            [figures[title]],
          );
      }
    });
  }

  await t.test('the list of functions to choose from', async () => {
    const { query } = dashboard.templating.list.find(({ name }) => name === 'function') ?? {};
    assert.ok(typeof query === 'object');
    const answer = await asked.get(`/loki/api/v1/label/${query.label}/values`, { query: query.stream });
    assert.ok((answer as { data: readonly string[] }).data.includes(functionName));
  });
});

test('Loki takes the rules, and the expression of each returns data', async (t) => {
  const rulesDir = mkdtempSync(path.join(tmpdir(), 'loki-rules-'));
  t.after(() => rmSync(rulesDir, { recursive: true, force: true }));
  // The tenant of a Loki without tenants is named fake.
  mkdirSync(path.join(rulesDir, 'fake'));
  cpSync(path.join(folder, RULES), path.join(rulesDir, 'fake', RULES));
  const storage = { type: 'local', local: { directory: rulesDir } };
  const loki = await ownLoki(t, { ruler: { enable_api: true, storage, rule_path: path.join(rulesDir, 'scratch') } });
  if (loki === undefined) return;
  await runStory(t, loki);
  const asked = lokiQuery(loki.url);
  const answer = (await asked.get('/prometheus/api/v1/rules')) as RulesAnswer;
  const rules = answer.data.groups.flatMap((group) => group.rules);
  const written = readFileSync(path.join(folder, RULES), 'utf8').match(/^ +expr:/gm);
  assert.equal(rules.length, written?.length);
  for (const { name, query } of rules) {
    await t.test(name, async () => {
      // The recorded minutes lie a minute back, so they are looked at in a minute's time.
      const aheadMs = query.includes('offset 1m') ? 62_000 : 0;
      const samples = await asked.instant(query, BigInt(Date.now() + aheadMs) * 1_000_000n);
      assert.ok(
        samples.some(({ value }) => value > 0),
        query,
      );
      assert.ok(samples.every(({ labels }) => labels['function_name'] !== undefined));
    });
  }
});

/** Of the reasons for a loss the story has only some. */
async function someReturnsData(
  asked: LokiQuery,
  window: ReturnType<typeof lastHour>,
  targets: readonly Target[],
  functionName: string,
): Promise<boolean> {
  const all = targets.map(({ expr }) => asked.range(fillIn(expr, functionName), window, 15));
  return (await Promise.all(all)).flat().some(({ values }) => values.some((value) => value > 0));
}

interface RulesAnswer {
  readonly data: { readonly groups: readonly { readonly rules: readonly { name: string; query: string }[] }[] };
}

/** Puts values in the place of the dashboard's variables, as Grafana does. */
function fillIn(expr: string, functionName: string): string {
  const values: Readonly<Record<string, string>> = {
    account: '.*',
    function: functionName,
    one: functionName,
    alias: '.*',
    level: '.*',
    type: '.+',
    request: '.*',
    __range: '1h',
    __auto: '1m',
  };
  return expr.replaceAll(/\$(\w+)/g, (variable, name: string) => values[name] ?? assert.fail(`unknown ${variable}`));
}
