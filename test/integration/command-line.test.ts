// What people type: the version, the help, a slip.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/version.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: {} });
  return { status, stdout, stderr };
}

test('the version', () => {
  for (const word of ['--version', '-v', 'version']) {
    assert.deepEqual(run(word), { status: 0, stdout: `${version}\n`, stderr: '' });
  }
});

test('the help', () => {
  for (const word of ['--help', '-h', 'help']) {
    const { status, stdout, stderr } = run(word);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /check/);
  }
});

test('a slip: what is wrong, the help, and 2', () => {
  const { status, stdout, stderr } = run('chekc');
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^unknown argument "chekc"\n/);
  assert.match(stderr, /check/);
});

test('check takes what stands behind it for its own', () => {
  const { status, stderr } = run('check', '--no-such-thing');
  assert.equal(status, 2);
  assert.match(stderr, /--no-such-thing/);
});
