// src/late/load.sea.ts: V8 collects garbage when it thinks that there is time. In a sandbox that is frozen there is none.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../esbuild.config.mjs';

for (const [sandbox, plans] of [
  ['frozen', false],
  ['awake', true],
] as const) {
  test(`V8 ${plans ? 'may collect' : 'does not collect'} garbage by itself in a sandbox that is ${sandbox} between invocations`, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'late-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const { late } = await bundle();
    writeFileSync(path.join(folder, 'late.js'), late.text);
    const flags = ['--trace-memory-reducer', '--gc-memory-reducer-start-delay-ms=1'];
    const program = [path.join(import.meta.dirname, 'late-garbage.ts'), path.join(folder, 'late.js'), sandbox];
    const child = spawn(process.execPath, [...flags, ...program], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    for await (const piece of child.stdout) {
      said += piece;
      // It looks whether there is time; what it plans it says in the same moment.
      if (/Memory reducer: \w+ alloc/.test(said)) child.stdin.end();
    }
    if (child.exitCode === null) await once(child, 'exit');
    assert.match(said, /Memory reducer: \w+ alloc/);
    assert.equal(/Memory reducer: (?:waiting|started)/.test(said), plans, said);
  });
}
