// The function's own variables and limits are there for the extension too: none of those that steer Node.js and what lies below it may
// steer us. The libraries and files that they name here are really broken.
// https://nodejs.org/docs/latest-v24.x/api/cli.html#environment-variables

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { hostArchitecture } from '../../scripts/build/toolchain.ts';
import { type Bench, createBench, extensionExecutable } from '../fakes/extension.ts';
import { certificatePath, startTlsRelay, type TlsRelay } from '../fakes/tls-relay.ts';
import { libraries, renamed } from './support/base-system.ts';
import { crashingLibrary } from './support/crashing-library.ts';
import { assertDelivered, assertHealthy, assertUnharmed, ownMessages } from './support/expect.ts';

type Variables = Readonly<Record<string, string>>;

const harmless: readonly (readonly [string, Variables])[] = [
  ['NODE_OPTIONS that name a missing module', { NODE_OPTIONS: '--require /missing.js' }],
  ['NODE_OPTIONS that Node.js does not know', { NODE_OPTIONS: '--no-such-option --max-old-space-size=1' }],
  ['NODE_OPTIONS with an inspector', { NODE_OPTIONS: '--inspect-brk=127.0.0.1:0 --import /missing.mjs' }],
  ['NODE_DEBUG', { NODE_DEBUG: 'http,net,tls,timer,stream', NODE_DEBUG_NATIVE: 'uv_fs_read' }],
  ['NODE_CHANNEL_FD, as in a child of Node.js', { NODE_CHANNEL_FD: '0', NODE_CHANNEL_SERIALIZATION_MODE: 'json' }],
  ['NODE_CHANNEL_FD that is no descriptor', { NODE_CHANNEL_FD: '77' }],
  ['NODE_UNIQUE_ID, as in a worker of a cluster', { NODE_UNIQUE_ID: '1' }],
  ['NODE_TLS_REJECT_UNAUTHORIZED', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ['NODE_PATH and NODE_ICU_DATA of the function', { NODE_PATH: '/missing', NODE_ENV: 'test', NODE_NO_WARNINGS: '0' }],
  ['NODE_PENDING_DEPRECATION', { NODE_PENDING_DEPRECATION: '1' }],
  ['DEBUG, PORT and the like', { DEBUG: '*', PORT: '1', HOST: 'nowhere', LOG_LEVEL: 'trace', FORCE_COLOR: '3' }],
  ['a thread pool of one', { UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '1' }],
  ['variables that make the loader print', { LD_DEBUG: 'all', LD_SHOW_AUXV: '1', LD_BIND_NOW: '1', LD_WARN: '1' }],
  ['LD_TRACE_LOADED_OBJECTS, with which a program is only looked at', { LD_TRACE_LOADED_OBJECTS: '1' }],
  ['LD_PRELOAD and LD_AUDIT that are missing', { LD_PRELOAD: '/missing.so', LD_AUDIT: '/missing.so' }],
  [
    'tunables of glibc',
    { GLIBC_TUNABLES: 'glibc.malloc.perturb=85:nonsense', MALLOC_PERTURB_: '85', MALLOC_CHECK_: '3' },
  ],
  ['GCONV_PATH, LOCPATH and ICU_DATA', { GCONV_PATH: '/missing', LOCPATH: '/missing', ICU_DATA: '/missing' }],
  ['features of the processor for OpenSSL', { OPENSSL_ia32cap: '~0x0:~0x0', OPENSSL_armcap: '0' }],
  ['SSL variables that point nowhere', { SSL_CERT_FILE: '/missing.pem', SSL_CERT_DIR: '/missing' }],
  ['no variables of its own at all', { HOME: '', TMPDIR: '/missing', TZ: 'Asia/Tokyo', LC_ALL: 'tr_TR.UTF-8' }],
];

/** `undefined` is a folder. */
const BROKEN_CONFIGURATIONS: Readonly<Record<string, string | undefined>> = {
  'a file with a syntax error': 'openssl_conf = default\nnodejs_conf = default\n[default\n',
  'a web page': '<!DOCTYPE html>\n<html><body>404 = Not Found</body></html>\n',
  'a file with a variable that is not set': 'nodejs_conf = default\n[default]\nfile = $ENV::NOT_SET_ANYWHERE\n',
  'a file that names a missing provider':
    'nodejs_conf = n\n[n]\nproviders = p\n[p]\nmissing = m\n[m]\nmodule = /missing.so\nactivate = 1\n',
  'a file that switches TLS off':
    'nodejs_conf = n\n[n]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\nMaxProtocol = SSLv3\n',
  'a folder': undefined,
};
/** A version that Node.js needs of the library, and what takes its place. */
const OTHER_VERSIONS: Readonly<Record<string, readonly [string, string]>> = {
  'libstdc++': ['GLIBCXX_3.4.21', 'GLIBCXX_3.4.2x'],
  libgcc_s: ['GCC_3.0', 'GCC_x.0'],
  libm: ['GLIBC_2.2.5', 'GLIBC_2.2.x'],
  libc: ['GLIBC_2.28', 'GLIBC_2.2x'],
};
const [BELOW, ENOUGH] = ['a limit that is too low', 'a limit that is just enough'];
const LIMITS = [
  ['ulimit -n 20', BELOW],
  ['ulimit -v 400000', BELOW],
  ['ulimit -d 20000', BELOW],
  ['ulimit -s 64', BELOW],
  ['ulimit -n 40', ENOUGH],
  ['ulimit -S -n 16', ENOUGH],
  ['ulimit -v 1600000', ENOUGH],
  ['ulimit -s 1024', ENOUGH],
  ['ulimit -f 0', ENOUGH],
  ['cd "$(mktemp -d)"; rmdir "$PWD"', ENOUGH],
  ["trap '' TERM PIPE HUP", ENOUGH],
] as const;

suite('environment variables', { concurrency: 2 }, () => {
  for (const [what, variables] of harmless) {
    test(`is not steered by ${what}`, async (t) => {
      const bench = await run(t, variables);
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  for (const variable of ['NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE', 'NODE_REDIRECT_WARNINGS']) {
    test(`writes nothing where ${variable} points`, async (t) => {
      const place = folder(t);
      const bench = await run(t, { [variable]: variable === 'NODE_REDIRECT_WARNINGS' ? join(place, 'file') : place });
      assert.deepEqual(readdirSync(place), []);
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  for (const [what, content] of Object.entries(BROKEN_CONFIGURATIONS)) {
    test(`is not stopped by OPENSSL_CONF that names ${what}`, async (t) => {
      const file = join(folder(t), 'openssl.cnf');
      if (content === undefined) mkdirSync(file);
      else writeFileSync(file, content);
      const modules = { OPENSSL_MODULES: '/missing', OPENSSL_ENGINES: '/missing' };
      const { bench } = await runOverTls(t, { OPENSSL_CONF: file, NODE_EXTRA_CA_CERTS: certificatePath, ...modules });
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  for (const [library, [from, to]] of Object.entries(OTHER_VERSIONS)) {
    test(`is not stopped by a ${library} on LD_LIBRARY_PATH that does not fit`, async (t) => {
      const file = libraries.find((name) => name.includes(`/${library}.`));
      if (file === undefined) return t.skip(`no ${library} of glibc or GCC here`);
      const place = folder(t);
      writeFileSync(join(place, basename(file)), renamed(file, { [from]: to }), { mode: 0o755 });
      const bench = await run(t, { LD_LIBRARY_PATH: `${place}:/lib64:/usr/lib64:/var/runtime:/opt/lib` });
      assertDelivered(bench);
      assertHealthy(bench);
    });
  }

  test('is not stopped by files on LD_LIBRARY_PATH that are no libraries', async (t) => {
    const place = folder(t);
    libraries.forEach((file, index) => {
      writeFileSync(join(place, basename(file)), index % 2 === 0 ? '' : '<html>404 Not Found</html>'.repeat(100));
    });
    assertDelivered(await run(t, { LD_LIBRARY_PATH: place }));
  });

  test('is not stopped by an LD_PRELOAD that crashes before the program starts', async (t) => {
    const file = join(folder(t), 'crashing.so');
    writeFileSync(file, crashingLibrary(hostArchitecture), { mode: 0o755 });
    const { signal } = spawnSync('/bin/true', [], { env: { LD_PRELOAD: file } });
    assert.notEqual(signal, null, 'other programs do crash');
    const bench = await run(t, { LD_PRELOAD: file });
    assertDelivered(bench);
    assertHealthy(bench);
  });

  test('never sends to a Loki whose certificate nobody vouches for, even with NODE_TLS_REJECT_UNAUTHORIZED=0', async (t) => {
    const { bench, relay } = await runOverTls(t, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    assert.equal(bench.loki.requests.length, 0);
    assert.equal(relay.trusted, 0);
    assert.ok(relay.refused > 0, 'it has tried');
    assert.ok(ownMessages(bench.emulator).some(({ fields }) => fields['id'] === 'tls_self_signed'));
  });

  test('trusts the authorities of NODE_EXTRA_CA_CERTS', async (t) => {
    const { bench, relay } = await runOverTls(t, { NODE_EXTRA_CA_CERTS: certificatePath });
    assertDelivered(bench);
    assertHealthy(bench);
    assert.ok(relay.trusted > 0);
  });

  test('says in its own words that the file of NODE_EXTRA_CA_CERTS cannot be read', async (t) => {
    const { bench } = await runOverTls(t, { NODE_EXTRA_CA_CERTS: '/no/such/authority.pem' });
    const [first] = ownMessages(bench.emulator);
    assert.match(String(first?.message), /^NODE_EXTRA_CA_CERTS names a file that cannot be read/);
    for (const line of bench.emulator.output.trim().split('\n')) assert.match(line, /^\{"level":/);
  });

  test('does not repeat that NODE_TLS_REJECT_UNAUTHORIZED=0 switches off what it does not', async (t) => {
    const { bench } = await runOverTls(t, {
      NODE_EXTRA_CA_CERTS: certificatePath,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    });
    assertDelivered(bench);
    assertHealthy(bench);
  });
});

suite('what a script leaves behind before it starts the extension', { concurrency: 2 }, () => {
  for (const [command, what] of LIMITS) {
    test(`${what === BELOW ? 'steps aside under' : 'delivers after'} ${command}`, async (t) => {
      const executable = join(folder(t), 'aws-lambda-loki-extension');
      writeFileSync(executable, `#!/bin/sh\n${command}\nexec '${extensionExecutable()}'\n`, { mode: 0o755 });
      const bench = await run(t, {}, { executable });
      if (what === ENOUGH) {
        assertDelivered(bench);
        assertHealthy(bench);
      } else {
        assert.equal(bench.loki.requests.length, 0);
        assert.match(
          bench.emulator.output,
          /"level":"warn".*under the limit of .* which is below .*The function goes on/,
        );
      }
    });
  }

  for (const descriptors of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) {
    test(`delivers without descriptors: ${descriptors}`, async (t) => {
      const executable = join(folder(t), 'aws-lambda-loki-extension');
      writeFileSync(executable, `#!/bin/sh\nexec '${extensionExecutable()}' ${descriptors}\n`, { mode: 0o755 });
      assertDelivered(await run(t, {}, { executable }));
    });
  }

  test('registers by the name of the link that it is started through', async (t) => {
    const executable = join(folder(t), 'logs');
    symlinkSync(extensionExecutable(), executable);
    const bench = await run(t, {}, { executable });
    assertDelivered(bench);
    assertHealthy(bench);
  });
});

/** Two invocations and SHUTDOWN with these variables of the function. */
async function run(
  t: TestContext,
  environment: Variables,
  options: Parameters<typeof createBench>[1] = {},
): Promise<Bench> {
  const bench = await createBench(t, { ...options, environment });
  await bench.emulator.start();
  for (const line of ['one', 'two']) await bench.emulator.invoke({ lines: [line, line] });
  const { exitCode } = await bench.emulator.shutdown();
  assert.equal(exitCode, 0);
  assertUnharmed(bench.emulator);
  return bench;
}

async function runOverTls(t: TestContext, environment: Variables): Promise<{ bench: Bench; relay: TlsRelay }> {
  let relay: TlsRelay | undefined;
  const endpoint = async (loki: Bench['loki']) => {
    relay = await startTlsRelay(loki.port);
    t.after(() => relay?.close());
    return relay.url;
  };
  const bench = await run(t, environment, { endpoint });
  assert.ok(relay !== undefined);
  return { bench, relay };
}

function folder(t: TestContext): string {
  const place = mkdtempSync(join(tmpdir(), 'variables-'));
  t.after(() => rmSync(place, { recursive: true }));
  return place;
}
