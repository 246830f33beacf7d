// A sandbox whose name server never answers: runs in namespaces of its own, where it may say which name server there is, takes an invocation and
// a SHUTDOWN for each strategy and deadline, and prints how they ended. Started by name-server.test.ts.
// usage: unshare --map-root-user --net --mount node silent-name-server.ts <executable> <deadline in ms>...

import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ShutdownResult } from '../../fakes/lambda/options.ts';
import { createLambdaEmulator } from '../../fakes/lambda-emulator.ts';

export interface Ended {
  readonly shutdown: ShutdownResult;
  readonly violations: readonly string[];
  readonly output: string;
}

const NAME_SERVER = '127.0.0.53';
const [executable = '', ...deadlinesMs] = process.argv.slice(2);

run('ip', 'link', 'set', 'lo', 'up');
const folder = mkdtempSync(path.join(tmpdir(), 'name-server-'));
writeFileSync(path.join(folder, 'resolv.conf'), `nameserver ${NAME_SERVER}\n`);
run('mount', '--bind', path.join(folder, 'resolv.conf'), '/etc/resolv.conf');
const nameServer = createSocket('udp4').bind(53, NAME_SERVER);
await once(nameServer, 'listening');
const ended: Ended[] = [];
const strategies = ['end', 'continuous', 'adaptive'];
for (const [strategy, deadlineMs] of strategies.flatMap((each) => deadlinesMs.map((ms) => [each, ms] as const))) {
  const environment = {
    LOKI_PUSH_ENDPOINT: 'http://loki.example.com:3100',
    LOKI_FLUSH_TIMEOUT_MS: '100',
    LOKI_FLUSH_STRATEGY: strategy,
  };
  const emulator = await createLambdaEmulator({ executable, environment });
  await emulator.start();
  await emulator.invoke({ lines: ['one', 'two'] });
  const shutdown = await emulator.shutdown({ deadlineInMs: Number(deadlineMs) });
  ended.push({ shutdown, violations: emulator.violations, output: emulator.output });
  await emulator.stop();
}
process.stdout.write(JSON.stringify(ended));
rmSync(folder, { recursive: true });
process.exit();

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
