// The dashboard and the rules as their readers meet them: each panel says what it shows, each variable is there, nothing lies on top
// of another, and each alert leads to a runbook. That every query is LogQL: logql.test.ts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { DROP_REASONS } from '../../../src/losses.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Place;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: { uid: string } }[];
}

const text = read('dashboards/lambda-loki.json');
const dashboard: {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { name: string; description?: string; datasource?: { uid: string } }[];
  };
  readonly __inputs: readonly { name: string; pluginId: string }[];
  readonly __requires: readonly { type: string; id: string }[];
} = JSON.parse(text);
const { panels } = dashboard;
const shown = panels.filter(({ type }) => type !== 'row');
const variables = dashboard.templating.list;

test('every panel and every variable says what it is', () => {
  const silent = [...shown, ...variables].filter(({ description }) => !description?.endsWith('.'));
  assert.deepEqual(silent, []);
});

test('every variable that a query uses is there, and every one that is there is used', () => {
  const own = new Set(variables.map(({ name }) => name));
  const used = new Set([...text.matchAll(/\$\{?([a-z]+)\b/g)].map(([, name]) => name ?? ''));
  assert.deepEqual(
    [...used].filter((name) => !own.has(name)),
    [],
  );
  assert.deepEqual(
    [...own].filter((name) => !used.has(name)),
    [],
  );
});

test('one Loki is asked for at the import, and everything uses it', () => {
  assert.deepEqual(
    dashboard.__inputs.map(({ name, pluginId }) => [name, pluginId]),
    [['DS_LOKI', 'loki']],
  );
  const sources = shown.flatMap(({ datasource, targets = [] }) => [
    datasource,
    ...targets.map((target) => target.datasource),
  ]);
  for (const source of sources) assert.equal(source?.uid, `\${datasource}`);
  const types = new Set(dashboard.__requires.filter(({ type }) => type === 'panel').map(({ id }) => id));
  assert.deepEqual(new Set(shown.map(({ type }) => type)), types);
});

test('no panel lies on another, and no two have one id', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [index, one] of panels.entries()) {
    for (const other of panels.slice(index + 1)) {
      assert.ok(apart(one.gridPos, other.gridPos), `${one.title} and ${other.title}`);
    }
  }
});

test('the lost lines are shown for every reason that is a loss, and for the platform', () => {
  const panel = panels.find(({ title }) => title === 'Lost lines by reason');
  const unwrapped = panel?.targets?.map(({ expr }) => expr.match(/unwrap (\w+)/)?.[1]);
  const reasons = DROP_REASONS.filter((reason) => reason !== 'empty_line').map((reason) => `dropped_${reason}`);
  assert.deepEqual(unwrapped, [...reasons, 'platformRecords']);
});

test('every alert has a description and a runbook, and every runbook that is linked to is there', () => {
  const rules = read('dashboards/lambda-loki-rules.yaml');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');
  const links = [...rules.matchAll(/runbook_url: (\S+)#(\S+)/g)].map(([, file, anchor]) => [file, anchor]);
  assert.ok(alerts.length > 3);
  assert.deepEqual(
    links,
    alerts.map((name) => ['docs/runbooks.md', name.toLowerCase()]),
  );
  for (const name of alerts) assert.match(read('docs/runbooks.md'), new RegExp(`^## ${name}$`, 'm'));
  assert.equal(rules.match(/^ +description: /gm)?.length, alerts.length);
});

function apart(one: Place, other: Place): boolean {
  return (
    one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y
  );
}
