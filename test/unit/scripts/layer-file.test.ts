// scripts/publish/layer-file.ts on small layers, right and wrong in one way each.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { layerPath, root } from '../../../scripts/build/toolchain.ts';
import { problemOfLayer } from '../../../scripts/publish/layer-file.ts';
import { folder } from './run-program.ts';
import { type SmallLayer, smallLayer } from './small-layer.ts';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

function problemOf(t: TestContext, layer: SmallLayer): string | undefined {
  const file = path.join(folder(t), 'layer.zip');
  smallLayer(file, layer);
  return problemOfLayer(file, { arch: 'x86_64', version });
}

test('a layer as it should be has no problem', (t) => {
  assert.equal(problemOf(t, {}), undefined);
});

const wrong: readonly (readonly [string, SmallLayer, RegExp])[] = [
  ['of the other architecture', { machine: 183 }, /is for arm64, not for x86_64/],
  ['of a third architecture', { machine: 243 }, /is for no known architecture/],
  ['whose executable may not be run', { mode: 0o644 }, /mode 0755 is missing/],
  ['of another version', { version: '0.0.9' }, /is of version 0\.0\.9, package\.json of /],
  ['whose executable stands elsewhere', { executable: 'bin/x' }, /must hold extensions\/aws-lambda-loki-extension/],
  ['with a second file that Lambda would start', { files: { 'extensions/README': 'hello' } }, /and nothing else/],
];
for (const [name, layer, words] of wrong) {
  test(`a layer ${name} is told`, (t) => assert.match(problemOf(t, layer) ?? '', words));
}

test('what is no zip file, or only a part of one, is told', (t) => {
  const file = path.join(folder(t), 'layer.zip');
  for (const bytes of ['', 'hello', 'PK\x05\x06', 'PK\x05\x06'.padEnd(22, '\xff')]) {
    writeFileSync(file, bytes, 'latin1');
    assert.match(problemOfLayer(file, { arch: 'x86_64', version }) ?? '', /is no zip file|must hold/);
  }
});

test('the layer that was built here is as it should be', (t) => {
  const file = layerPath('x86_64');
  if (!existsSync(file)) return t.skip('make zip ARCH=x86_64 makes it');
  assert.equal(problemOfLayer(file, { arch: 'x86_64', version }), undefined);
});
