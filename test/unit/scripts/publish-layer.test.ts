// scripts/publish-layer.ts as `make publish` runs it, with an `aws` on the PATH that writes down what it is asked.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram, root } from '../../../scripts/build/toolchain.ts';

const ARN = 'arn:aws:lambda:eu-central-1:123456789012:layer:logs:7';

const FAKE_AWS = `#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$FAKE_AWS_CALLS"
echo -- >> "$FAKE_AWS_CALLS"
if [ -n "$FAKE_AWS_FAILS" ]; then echo 'An error occurred (AccessDenied)' >&2; exit 254; fi
echo '{"LayerVersionArn": "${ARN}", "Version": 7}'
`;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The arguments of each call of the AWS CLI. */
  readonly calls: readonly (readonly string[])[];
}

function publish(t: TestContext, env: Record<string, string>, wrapper: readonly string[] = []): Result {
  const folder = mkdtempSync(path.join(tmpdir(), 'publish-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'aws'), FAKE_AWS, { mode: 0o755 });
  const calls = path.join(folder, 'calls');
  const command = [...wrapper, process.execPath, path.join(root, 'scripts/publish-layer.ts')];
  const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8',
    input: wrapper.length > 0 ? 'no\n' : '',
    env: { PATH: `${folder}:/usr/bin:/bin`, FAKE_AWS_CALLS: calls, ARCH: 'x86_64', ...env },
  });
  const text = existsSync(calls) ? readFileSync(calls, 'utf8') : '';
  return {
    status,
    stdout,
    stderr,
    calls: text
      .split('--\n')
      .filter(Boolean)
      .map((call) => call.trimEnd().split('\n')),
  };
}

function option(call: readonly string[] | undefined, name: string): string | undefined {
  return call?.[call.indexOf(name) + 1];
}

test('publishes one version in each region and prints its ARN', (t) => {
  const { status, stdout, calls } = publish(t, { REGION: 'eu-central-1, us-east-1' });
  assert.equal(status, 0);
  assert.equal(stdout, `${ARN}\n${ARN}\n`);
  assert.deepEqual(
    calls.map((call) => call.slice(0, 4)),
    [
      ['lambda', 'publish-layer-version', '--region', 'eu-central-1'],
      ['lambda', 'publish-layer-version', '--region', 'us-east-1'],
    ],
  );
});

test('names the architecture, the licence, the file, and runtimes of Amazon Linux 2023 alone', (t) => {
  const [call] = publish(t, { REGION: 'eu-central-1', LAYER_NAME: 'logs' }).calls;
  assert.equal(option(call, '--layer-name'), 'logs');
  assert.equal(option(call, '--compatible-architectures'), 'x86_64');
  assert.equal(option(call, '--license-info'), 'Apache-2.0');
  assert.equal(option(call, '--zip-file'), 'fileb://bin/aws-lambda-loki-extension-x86_64.zip');
  assert.ok(call?.includes('provided.al2023'));
  for (const old of ['provided.al2', 'nodejs18.x', 'python3.11', 'java17', 'ruby3.2']) assert.ok(!call?.includes(old));
  const runtimes = call?.slice(call.indexOf('--compatible-runtimes') + 1, call.indexOf('--zip-file')) ?? [];
  assert.ok(runtimes.length > 0 && runtimes.length <= 15, 'Lambda takes at most 15 runtimes');
});

test('says what is missing when REGION is not set', (t) => {
  const { status, stderr, calls } = publish(t, {});
  assert.equal(status, 2);
  assert.equal(stderr, 'make publish: REGION is missing. For example: make publish REGION=eu-central-1\n');
  assert.deepEqual(calls, []);
});

test('says what is missing when the AWS CLI is not there', (t) => {
  const { status, stderr } = publish(t, { REGION: 'eu-central-1', PATH: '/nowhere' });
  assert.equal(status, 2);
  assert.match(stderr, /the AWS CLI \(aws\) is not on the PATH/);
});

test('refuses an architecture that there is not', (t) => {
  const { status, stderr } = publish(t, { REGION: 'eu-central-1', ARCH: 'riscv' });
  assert.notEqual(status, 0);
  assert.match(stderr, /ARCH must be x86_64 or arm64, not riscv/);
});

test('stops at the first region that fails, with the words of the CLI', (t) => {
  const { status, stdout, stderr, calls } = publish(t, { REGION: 'eu-central-1,us-east-1', FAKE_AWS_FAILS: '1' });
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /AccessDenied/);
  assert.match(stderr, /aws lambda publish-layer-version failed: exit 254/);
  assert.equal(calls.length, 1);
});

test('a dry run prints the commands and runs none', (t) => {
  const { status, stdout, calls } = publish(t, { REGION: 'eu-central-1', DRY_RUN: '1', PUBLIC: '1', PATH: '/nowhere' });
  assert.equal(status, 0);
  assert.deepEqual(calls, []);
  const [publishLine, permissionLine, ...rest] = stdout.trimEnd().split('\n');
  assert.match(
    publishLine ?? '',
    /^aws lambda publish-layer-version --region eu-central-1 .* --zip-file fileb:\/\/bin\//,
  );
  assert.match(
    permissionLine ?? '',
    /^aws lambda add-layer-version-permission .* --principal '\*' --action lambda:GetLayerVersion/,
  );
  assert.deepEqual(rest, []);
});

test('a dry run prints the very words that the CLI is then given', (t) => {
  const printed = publish(t, { REGION: 'eu-central-1', DRY_RUN: '1' }).stdout;
  const echoed = spawnSync('/bin/sh', ['-c', `aws() { printf '%s\\n' "$@"; }; ${printed}`], {
    encoding: 'utf8',
  }).stdout;
  assert.deepEqual(echoed.trimEnd().split('\n'), publish(t, { REGION: 'eu-central-1' }).calls[0]);
});

test('goes public for nobody when there is no terminal to ask on', (t) => {
  const { status, stderr, calls } = publish(t, { REGION: 'eu-central-1', PUBLIC: '1' });
  assert.equal(status, 2);
  assert.match(stderr, /there is no terminal to ask on/);
  assert.deepEqual(calls, []);
});

for (const [answer, granted] of [
  ['no', false],
  ['yes', true],
] as const) {
  test(`goes public ${granted ? 'once' : 'never when'} the answer on the terminal is ${answer}`, (t) => {
    const script = findProgram('script');
    if (script === undefined) return t.skip('no script(1) here to make a terminal with');
    const shell = `echo ${answer} | '${script}' --quiet --return --command "'$0' '$1'" /dev/null`;
    const { status, calls } = publish(t, { REGION: 'eu-central-1', PUBLIC: '1' }, ['/bin/sh', '-c', shell]);
    if (!granted) {
      assert.notEqual(status, 0);
      assert.deepEqual(calls, []);
      return;
    }
    assert.equal(status, 0);
    assert.deepEqual(
      calls.map((call) => call[1]),
      ['publish-layer-version', 'add-layer-version-permission'],
    );
    assert.equal(option(calls[1], '--version-number'), '7');
    assert.equal(option(calls[1], '--principal'), '*');
  });
}
