// The built executable on base systems that lack what Node.js needs, or hold it broken.

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import type { Bench } from '../fakes/extension.ts';
import {
  libraries,
  loader,
  makeSystem,
  onSystem,
  put,
  putLibraries,
  renamed,
  whyNoBaseSystems,
} from './support/base-system.ts';
import { assertDelivered, assertHealthy, assertUnharmed } from './support/expect.ts';

const SHELL = '/bin/sh';

suite('base systems', { skip: whyNoBaseSystems() }, () => {
  test('Alpine: no glibc at all', async (t) => {
    await assertStepsAside(await onSystem(t, makeSystem(t)));
  });

  test('Alpine with something else where the loader should be', async (t) => {
    const root = makeSystem(t);
    put(root, loader, Buffer.alloc(8192, 'not a loader '));
    await assertStepsAside(await onSystem(t, root));
  });

  test('Amazon Linux 2: a glibc that is too old', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, { 'GLIBC_2.34': 'GLIBC_2.3x', 'GLIBC_2.28': 'GLIBC_2.2x' });
    const bench = await onSystem(t, root);
    await assertStepsAside(bench);
    assert.match(bench.emulator.output, /version `GLIBC_2\.28' not found/, 'the loader itself says what is missing');
    assert.equal(bench.emulator.output.match(/GLIBC_2\.28' not found/g)?.length, 1, 'and says it once');
  });

  test('a small image: glibc without libstdc++', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, {}, (file) => !file.includes('libstdc++'));
    const bench = await onSystem(t, root);
    await assertStepsAside(bench);
    assert.match(bench.emulator.output, /libstdc\+\+\.so\.6: cannot open shared object file/);
  });

  test('a small image with libstdc++ on the path of Lambda', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, {}, (file) => !file.includes('libstdc++'));
    for (const file of libraries.filter((name) => name.includes('libstdc++')))
      put(root, path.join('/opt/lib', path.basename(file)), readFileSync(file));
    await assertWorks(await onSystem(t, root));
  });

  test('Debian 11: a glibc that is new enough, but names no version that says so', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, { 'GLIBC_2.34': 'GLIBC_2.3x' }, undefined, (file) => file === loader);
    await assertWorks(await onSystem(t, root));
  });

  test('Debian 11 with libraries of the function that do not fit', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, { 'GLIBC_2.34': 'GLIBC_2.3x' }, undefined, (file) => file === loader);
    for (const file of libraries.filter((name) => name.includes('libstdc++')))
      put(root, path.join('/var/task/lib', path.basename(file)), renamed(file, { 'GLIBCXX_3.4.21': 'GLIBCXX_3.4.xx' }));
    await assertWorks(await onSystem(t, root, { LD_LIBRARY_PATH: '/var/task/lib' }));
  });

  test('an image whose openssl.cnf cannot be read', async (t) => {
    const root = makeSystem(t);
    putLibraries(root, {});
    put(root, '/etc/ssl/openssl.cnf', 'openssl_conf = default\n[default\n');
    await assertWorks(await onSystem(t, root));
  });

  test('started through a link in /opt/extensions', async (t) => {
    const root = makeSystem(t, '/opt/loki/aws-lambda-loki-extension');
    putLibraries(root, {});
    symlinkSync('/opt/loki/aws-lambda-loki-extension', path.join(root, '/opt/extensions/logs'));
    await assertWorks(await onSystem(t, root, {}, '/opt/extensions/logs'));
  });

  test('without a loader, started through a link in /opt/extensions', async (t) => {
    const root = makeSystem(t, '/opt/loki/aws-lambda-loki-extension');
    symlinkSync('/opt/loki/aws-lambda-loki-extension', path.join(root, '/opt/extensions/logs'));
    await assertStepsAside(await onSystem(t, root, {}, '/opt/extensions/logs'));
  });

  test('started by a script in /opt/extensions, beside other extensions', async (t) => {
    const root = makeSystem(t, '/opt/loki/aws-lambda-loki-extension');
    putLibraries(root, {});
    put(root, SHELL, readFileSync(SHELL));
    put(root, '/opt/extensions/another', renamed(SHELL, {}));
    put(root, '/opt/extensions/a-script', '#!/bin/sh\nexec /opt/another/extension\n');
    put(root, '/opt/extensions/logs.sh', '#!/bin/sh\ncd /opt/loki\nexec ./aws-lambda-loki-extension\n');
    await assertWorks(await onSystem(t, root, {}, '/opt/extensions/logs.sh'));
  });

  test('under a limit that is too low, started by the only script in /opt/extensions', async (t) => {
    const root = makeSystem(t, '/opt/loki/aws-lambda-loki-extension');
    putLibraries(root, {});
    put(root, SHELL, readFileSync(SHELL));
    put(root, '/opt/extensions/another', readFileSync(SHELL));
    symlinkSync('/missing', path.join(root, '/opt/extensions/dangling'));
    put(root, '/opt/extensions/logs.sh', '#!/bin/sh\nulimit -n 20\nexec /opt/loki/aws-lambda-loki-extension\n');
    await assertStepsAside(await onSystem(t, root, {}, '/opt/extensions/logs.sh'), /under the limit of open files/);
  });

  test('started by a script that is alone in /opt/extensions and does not say what it starts', async (t) => {
    const root = makeSystem(t, '/opt/loki/aws-lambda-loki-extension');
    putLibraries(root, {});
    put(root, SHELL, readFileSync(SHELL));
    put(root, '/opt/extensions/start', '#!/bin/sh\nfor file in /opt/loki/*; do $file; done\n');
    await assertWorks(await onSystem(t, root, {}, '/opt/extensions/start'));
  });
});

const OLD_SYSTEM = /Node\.js cannot start on this base system.*The function goes on/;

async function assertStepsAside({ emulator, loki }: Bench, reason = OLD_SYSTEM): Promise<void> {
  await emulator.start();
  await emulator.invoke({ lines: ['not delivered'] });
  assert.equal((await emulator.shutdown()).exitCode, 0);
  assertUnharmed(emulator);
  assert.match(emulator.output, reason);
  assert.equal(loki.requests.length, 0);
}

async function assertWorks(bench: Bench): Promise<void> {
  await bench.emulator.start();
  await bench.emulator.invoke({ lines: ['first', 'second'] });
  assert.equal((await bench.emulator.shutdown()).exitCode, 0);
  assertDelivered(bench);
  assertHealthy(bench);
}
