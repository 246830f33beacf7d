// A name server that never answers, which takes namespaces of its own: they need no root where the kernel lets anybody have them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { extensionExecutable } from '../fakes/extension.ts';
import type { Ended } from './support/silent-name-server.ts';

const UNSHARE = ['--user', '--map-root-user', '--net', '--mount'];
const PROBE = 'ip link set lo up && mount --bind /etc/hosts /etc/resolv.conf';
const skip = spawnSync('unshare', [...UNSHARE, 'sh', '-c', PROBE]).status !== 0 && 'no namespaces for us here';

test('exits before the deadline while the name server is silent, and says that it is', { skip }, () => {
  const script = path.join(import.meta.dirname, 'support/silent-name-server.ts');
  const args = [...UNSHARE, process.execPath, script, extensionExecutable(), '2000', '500'];
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  assert.notEqual(stdout, '', stderr);
  for (const { shutdown, violations, output } of JSON.parse(stdout) as Ended[]) {
    assert.deepEqual([shutdown.exitCode, shutdown.exitedBeforeDeadline, violations], [0, true, []], output);
    assert.match(output, /"shutdown_deadline":\d/);
  }
});
