// .github/workflows by actionlint, which knows the syntax, the expressions and the types of GitHub's workflows.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findProgram, root } from '../../scripts/build/toolchain.ts';
import { findOrBuild } from '../tools/build.ts';
import { notRun, run } from './tools.ts';

const linter = findOrBuild({
  variable: 'ACTIONLINT_BINARY',
  packagePath: 'github.com/rhysd/actionlint/cmd/actionlint',
});

test('the workflows are without faults', (t) => {
  if (!linter.ok) return notRun(t, linter.reason);
  const { status, stdout, stderr } = run([linter.path, '-no-color'], { cwd: root });
  assert.equal(status, 0, stdout + stderr);
});

test('every action is pinned to a commit, which cannot be moved as a tag can', () => {
  const files = globSync('.github/workflows/*.yml', { cwd: root }).map((file) =>
    readFileSync(path.join(root, file), 'utf8'),
  );
  const actions = files.flatMap((text) => [...text.matchAll(/uses: (.+)/g)].map(([, action]) => action ?? ''));
  assert.ok(actions.length > 3);
  for (const action of actions) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('the linter finds an expression that there is not', (t) => {
  if (!linter.ok) return notRun(t, linter.reason);
  const job = `jobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo \${{ github.nothing }}\n`;
  const { status, stdout } = run([linter.path, '-no-color', '-'], { input: `on: push\n${job}` });
  assert.equal(status, 1);
  assert.match(stdout, /property "nothing" is not defined/);
});

test('the scripts in the workflows are looked at too', (t) => {
  if (findProgram('shellcheck') === undefined) notRun(t, 'there is no shellcheck; all else was looked at');
});
