// src/late/load.sea.ts: V8 refuses Node's own code caches once its flags are set, so every built-in module that a push needs is loaded before.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startFakeLoki } from '../fakes/fake-loki.ts';
import { certificatePath, startTlsRelay } from '../fakes/tls-relay.ts';
import { writeLateScript } from './late-bundle.ts';

for (const scheme of ['http', 'https']) {
  test(`a push over ${scheme} loads no built-in module after the flags`, async (t) => {
    const loki = await startFakeLoki();
    t.after(() => loki.close());
    const relay = await startTlsRelay(loki.port);
    t.after(() => relay.close());
    // By name, as a name has to be looked up.
    const url = (scheme === 'http' ? loki.url : relay.url).replace('127.0.0.1', 'localhost');
    const child = [path.join(import.meta.dirname, 'late-modules.ts'), await writeLateScript(t), url];
    const { stdout } = await promisify(execFile)(process.execPath, child, {
      env: { NODE_EXTRA_CA_CERTS: certificatePath },
    });
    assert.deepEqual(JSON.parse(stdout), { after: [], held: 0 });
    assert.equal(loki.lines('function').length, 1);
  });
}
