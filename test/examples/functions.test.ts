// The functions of examples/: compiled, or parsed, by the tools of their languages. And what they print is run where that is easy.

import assert from 'node:assert/strict';
import { cpSync, globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findProgram, root } from '../../scripts/build/toolchain.ts';
import { examples, notRun, run, scratch } from './tools.ts';

const functions = path.join(examples, 'functions');

test('the functions for Node.js run', () => {
  for (const file of globSync('**/index.mjs', { cwd: examples, exclude: (name) => name === 'node_modules' })) {
    const call = `import(${JSON.stringify(path.join(examples, file))}).then(async ({ handler }) =>
      console.log(await handler({ orderId: 7 }, { functionName: 'orders-api' })))`;
    const { status, stdout, stderr } = run(['node', '--eval', call]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /hello from orders-api\n\{ ok: true \}/);
    assert.match(stderr, /"msg":"stock is low","orderId":7/);
  }
});

test('the function for Python runs', (t) => {
  if (findProgram('python3') === undefined) return notRun(t, 'there is no python3');
  const script = 'import handler, types; print(handler.handler({}, types.SimpleNamespace(function_name="orders-api")))';
  const { status, stdout, stderr } = run(['python3', '-B', '-c', script], { cwd: path.join(functions, 'python') });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /\{'ok': True\}/);
  assert.match(stderr, /stock is low/);
});

test('the function for Go compiles, for both architectures', (t) => {
  const go = findProgram('go');
  if (go === undefined) return notRun(t, 'there is no go');
  const folder = scratch(t);
  cpSync(path.join(functions, 'go'), folder, { recursive: true });
  const cache = path.join(root, '.cache/go');
  for (const GOARCH of ['amd64', 'arm64']) {
    const env = {
      GOARCH,
      GOOS: 'linux',
      CGO_ENABLED: '0',
      GOWORK: 'off',
      GOMODCACHE: `${cache}/mod`,
      GOCACHE: `${cache}/build`,
    };
    const build = [go, 'build', '-modcacherw', '-mod=readonly', '-tags', 'lambda.norpc', '-o', 'bootstrap', '.'];
    const { status, stderr } = run(build, { cwd: folder, env });
    assert.equal(status, 0, stderr);
  }
});

test('the function for Java compiles', (t) => {
  const maven = findProgram('mvn');
  if (maven === undefined) return notRun(t, 'there is no Maven (mvn)');
  const folder = scratch(t);
  cpSync(path.join(functions, 'java'), folder, { recursive: true });
  const repository = `-Dmaven.repo.local=${path.join(root, '.cache/m2')}`;
  const { status, stdout } = run([maven, '-q', '-B', '-ntp', repository, 'compile'], { cwd: folder });
  assert.equal(status, 0, stdout);
});
