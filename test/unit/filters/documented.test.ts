// Runs each example of docs/filters.md: with its settings, what it says the function writes becomes what it says Loki gets.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FilterSettings } from '../../../src/config/filter-settings.ts';
import { FILTER_SETTINGS } from '../../../src/config/filter-settings.ts';
import { PATTERNS } from '../../../src/filters/patterns.ts';
import { bodyOf, functionRecord } from '../../fakes/records.ts';
import { setUpFiltered } from './filter-setup.ts';

const page = readFileSync(new URL('../../../docs/filters.md', import.meta.url), 'utf8');
const examples = page
  .split('<!-- example -->')
  .slice(1)
  .map((part) => part.split('<!-- /example -->')[0] ?? '');

function settingsOf(example: string): FilterSettings {
  const [, shell = ''] = /```sh\n(.*?)```/s.exec(example) ?? [];
  return Object.fromEntries(
    shell
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
}

/** Text between backticks; what is written, what arrives, and the metadata beside it. */
function rowsOf(example: string) {
  const rows = [...example.matchAll(/^\| `(.+?)` \| (.+) \|$/gm)];
  return rows.map(([, written = '', rest = '']) => {
    const [first, ...pairs] = [...rest.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
    return { written, arrives: rest === 'nothing' ? undefined : rest === 'the same' ? written : first, pairs };
  });
}

for (const [index, example] of examples.entries()) {
  const settings = settingsOf(example);
  for (const { written, arrives, pairs } of rowsOf(example)) {
    test(`${Object.keys(settings).join(', ')}: ${written} (example ${index + 1})`, async () => {
      const { pipeline, arrived } = setUpFiltered(settings);
      const isEvent = written.includes('"type":"platform.');
      pipeline.receive(bodyOf(isEvent ? (JSON.parse(written) as unknown) : functionRecord(written)));
      const entries = await arrived();
      assert.deepEqual(
        entries.map(({ line }) => line),
        arrives === undefined ? [] : [arrives],
      );
      for (const pair of pairs) {
        const [name = '', value] = pair.split('=');
        assert.equal(entries[0]?.metadata[name], value);
      }
    });
  }
}

test('the page has examples, names each setting and each pattern, and no other', () => {
  assert.ok(examples.length >= 6 && examples.every((example) => rowsOf(example).length > 0));
  for (const { name } of FILTER_SETTINGS) assert.ok(page.includes(name), name);
  const table = page.split('| name | what it finds |')[1]?.split('\n\n')[0] ?? '';
  const listed = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
  assert.deepEqual(listed, [...Object.keys(PATTERNS), 'all']);
});
