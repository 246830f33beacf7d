// esbuild.config.mjs: what is in the three scripts of the executable, and what is not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { type BundledScript, bundle } from '../../../esbuild.config.mjs';
import { root } from '../../../scripts/build/toolchain.ts';
import { SETTINGS } from '../../../src/config/settings.ts';

const { boot, late, check } = await bundle();
const scripts: readonly (readonly [string, BundledScript])[] = [
  ['boot', boot],
  ['late', late],
  ['check', check],
];

function inputs({ metafile }: BundledScript): string[] {
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

test('the boot script holds no package at all', () => {
  assert.deepEqual(boot.packages, []);
});

test('the boot script knows the settings, and not what they mean', () => {
  for (const { name, meaning } of SETTINGS) {
    assert.ok(boot.text.includes(name));
    assert.ok(!boot.text.includes(meaning.slice(0, 20)), name);
  }
});

test('the boot script leaves everything that only a record needs to the late one', () => {
  const lateFiles = [
    'src/pipeline.ts',
    'src/late/index.ts',
    'src/late/load.ts',
    'src/log-pino.ts',
    'src/loki/encode.ts',
  ];
  assert.deepEqual(
    inputs(boot).filter((file) => lateFiles.includes(file)),
    [],
  );
  assert.ok(inputs(boot).includes('src/late/load.sea.ts'));
});

test('the script of the command holds no package, and nothing of what the late one has for it', () => {
  assert.deepEqual(check.packages, []);
  assert.deepEqual(
    inputs(check).filter((file) => !/^src\/(?:check\/.*|time|version)\.ts$/.test(file)),
    [],
  );
});

test('the late script holds these packages and no other', () => {
  assert.deepEqual(late.packages, [
    '@pinojs/redact',
    'atomic-sleep',
    'long',
    'on-exit-leak-free',
    'pino',
    'pino-std-serializers',
    'protobufjs',
    'quick-format-unescaped',
    'safe-stable-stringify',
    'snappyjs',
    'sonic-boom',
    'undici',
  ]);
});

test('of protobufjs there is the minimal part, without reflection', () => {
  assert.deepEqual(
    inputs(late).filter((file) => /protobufjs\/(src\/(root|parse|type|field)|index)\.js$/.test(file)),
    [],
  );
});

test('of undici there is the pool alone: no fetch, no HTTP/2, no mocks, one build of its parser', () => {
  const excess =
    /undici\/(index\.js|lib\/(web\/fetch\/index|mock|cache|llhttp\/llhttp-wasm|dispatcher\/(client-h2|agent)))/;
  const weights = Object.values(late.metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  // What is left out still stands there as a line that throws.
  assert.deepEqual(
    weights.filter(([file, { bytesInOutput }]) => excess.test(file) && bytesInOutput > 300),
    [],
  );
});

for (const [name, { text }] of scripts) {
  test(`the ${name} script is ASCII, so that V8 keeps it in one byte a character`, () => {
    assert.equal(Buffer.byteLength(text), text.length);
  });

  test(`the ${name} script requires built-in modules alone, and imports nothing at run time`, () => {
    const required = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, id]) => id ?? '');
    assert.ok(required.length > 0);
    assert.deepEqual(
      required.filter((id) => !isBuiltin(id)),
      [],
    );
    assert.deepEqual(text.match(/\bimport\(.{0,40}/g), null);
  });
}

test('node:http is loaded by none of them: it would take 0.4 MB in every sandbox', () => {
  for (const [, { text }] of scripts) assert.deepEqual(text.match(/.{0,20}\bnode:https?".{0,20}/g), null);
});

test('snappyjs empties its table of hashes in one go', () => {
  assert.match(late.text, /\.fill\(0\)/);
  assert.doesNotMatch(late.text, /for\((\w+)=0;\1<(\w+)\.length;\1\+\+\)\2\[\1\]=0\b/);
});

test('packages see none of the variables of the function', () => {
  assert.deepEqual(late.text.match(/process\.env\b.{0,40}/g), null);
});

test('both scripts know the version in package.json', () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const [, { text }] of scripts) assert.ok(text.includes(`"${version}"`));
});

test('a second bundle is the same', async () => {
  const again = await bundle();
  assert.equal(again.boot.text, boot.text);
  assert.equal(again.late.text, late.text);
});
