// src/late/load.sea.ts: V8 collects garbage when it thinks that there is time. In a sandbox that is frozen there is none.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { writeLateScript } from './late-bundle.ts';

for (const [sandbox, plans] of [
  ['frozen', false],
  ['awake', true],
] as const) {
  test(`V8 ${plans ? 'may collect' : 'does not collect'} garbage by itself in a sandbox that is ${sandbox} between invocations`, async (t) => {
    const flags = ['--trace-memory-reducer', '--gc-memory-reducer-start-delay-ms=1'];
    const program = [path.join(import.meta.dirname, 'late-garbage.ts'), await writeLateScript(t), sandbox];
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
