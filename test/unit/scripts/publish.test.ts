// scripts/publish as `make publish` runs it, with an `aws` on the PATH that writes down what it is asked. The layer that is
// published is a small one of this test.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram, root } from '../../../scripts/build/toolchain.ts';
import { smallLayer } from './small-layer.ts';

/** Knows who it is; fails where FAKE_AWS_FAILS says so: `command@region=words`. */
const FAKE_AWS = `#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$FAKE_AWS_CALLS"
echo -- >> "$FAKE_AWS_CALLS"
command=$2; all="$*"
while [ $# -gt 0 ]; do [ "$1" = --region ] && region=$2; shift; done
case "$FAKE_AWS_FAILS" in
  "$command@$region="*) case "$FAKE_AWS_FAILS $all" in
    *ompatibleArchitectures*publish-layer*--compatible-a*|*AccessDenied*|*Unknown*)
      echo "An error occurred: \${FAKE_AWS_FAILS#*=}" >&2
      printf '\n%s\n%s\n' 'Additional error details:' 'Type: User' >&2; exit 254 ;;
  esac ;;
esac
case $command in
  get-caller-identity) echo "{\\"Arn\\": \\"arn:\${FAKE_AWS_PARTITION:-aws}:iam::123456789012:user/me\\"}" ;;
  *) echo "{\\"LayerVersionArn\\": \\"arn:aws:lambda:$region:123456789012:layer:logs:7\\", \\"Version\\": 7}" ;;
esac
`;
const arnIn = (region: string) => `arn:aws:lambda:${region}:123456789012:layer:logs:7`;

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The arguments of each call of the AWS CLI. */
  readonly calls: readonly (readonly string[])[];
  /** Those of them that change something. */
  readonly changes: readonly (readonly string[])[];
}

function publish(t: TestContext, env: Record<string, string>, wrapper: readonly string[] = []): Result {
  const folder = mkdtempSync(path.join(tmpdir(), 'publish-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'aws'), FAKE_AWS, { mode: 0o755 });
  smallLayer(path.join(folder, 'layer.zip'));
  const file = path.join(folder, 'calls');
  const command = [...wrapper, process.execPath, path.join(root, 'scripts/publish/main.ts')];
  const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8',
    input: wrapper.length > 0 ? 'no\n' : '',
    env: {
      PATH: `${folder}:/usr/bin:/bin`,
      FAKE_AWS_CALLS: file,
      LAYER_FILE: path.join(folder, 'layer.zip'),
      ARCH: 'x86_64',
      ...env,
    },
  });
  const texts = existsSync(file) ? readFileSync(file, 'utf8').split('--\n').filter(Boolean) : [];
  const calls = texts.map((call) => call.trimEnd().split('\n'));
  return { status, stdout, stderr, calls, changes: calls.filter(([service]) => service === 'lambda') };
}

function option(call: readonly string[] | undefined, name: string): string | undefined {
  return call?.[call.indexOf(name) + 1];
}

/** What stands in for `make publish: ... nothing was published`. */
function assertRefused({ status, stdout, stderr, changes }: Result, words: RegExp): void {
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, words);
  assert.match(stderr, /nothing was published\n$/);
  assert.deepEqual(changes, []);
}

test('publishes one version in each region, each once, and prints a table of them', (t) => {
  const { status, stdout, calls } = publish(t, { REGION: 'eu-central-1, us-east-1,eu-central-1' });
  assert.equal(status, 0);
  assert.deepEqual(stdout.split('\n'), [
    'region        layer version',
    `eu-central-1  ${arnIn('eu-central-1')}`,
    `us-east-1     ${arnIn('us-east-1')}`,
    '',
  ]);
  assert.deepEqual(
    calls.map((call) => [call[1], option(call, '--region')]),
    [
      ['get-caller-identity', 'eu-central-1'],
      ['get-caller-identity', 'us-east-1'],
      ['publish-layer-version', 'eu-central-1'],
      ['publish-layer-version', 'us-east-1'],
    ],
  );
});

test('names the architecture, the licence, the file, and runtimes of Amazon Linux 2023 alone', (t) => {
  const [call] = publish(t, { REGION: 'eu-central-1', LAYER_NAME: 'logs' }).changes;
  assert.equal(option(call, '--layer-name'), 'logs');
  assert.equal(option(call, '--compatible-architectures'), 'x86_64');
  assert.equal(option(call, '--license-info'), 'Apache-2.0');
  assert.match(option(call, '--zip-file') ?? '', /^fileb:\/\/.*layer\.zip$/);
  assert.ok(call?.includes('provided.al2023'));
  for (const old of ['provided.al2', 'nodejs18.x', 'python3.11', 'java17', 'ruby3.2']) assert.ok(!call?.includes(old));
  const runtimes = call?.slice(call.indexOf('--compatible-runtimes') + 1, call.indexOf('--zip-file')) ?? [];
  assert.ok(runtimes.length > 0 && runtimes.length <= 15, 'Lambda takes at most 15 runtimes');
});

test('goes on with the other regions when one fails, and says so in the table and the exit code', (t) => {
  const { status, stdout, changes } = publish(t, {
    REGION: 'eu-west-1,us-east-1',
    FAKE_AWS_FAILS: 'publish-layer-version@eu-west-1=AccessDenied',
  });
  assert.equal(status, 1);
  assert.match(stdout, /^eu-west-1 {2}FAILED: An error occurred: AccessDenied$/m);
  assert.ok(stdout.includes(`us-east-1  ${arnIn('us-east-1')}\n`));
  assert.equal(changes.length, 2);
});

test('a region that knows no architectures gets the layer without them', (t) => {
  const { status, changes } = publish(t, {
    REGION: 'me-central-1',
    FAKE_AWS_FAILS: 'publish-layer-version@me-central-1=CompatibleArchitectures are not supported in me-central-1.',
  });
  assert.equal(status, 0);
  assert.equal(changes.length, 2);
  assert.ok(!changes[1]?.some((word) => word.startsWith('--compatible')));
});

test('a version that could not be shared is named, as it is there', (t) => {
  const { status, stdout } = publish(t, {
    REGION: 'eu-west-1',
    ORGANIZATION: 'o-a1b2c3d4e5',
    FAKE_AWS_FAILS: 'add-layer-version-permission@eu-west-1=AccessDenied',
  });
  assert.equal(status, 1);
  assert.match(stdout, /layer:logs:7 {2}FAILED: published, but not shared: .*AccessDenied/);
});

test('shares with an organisation alone, and asks nothing for that', (t) => {
  const { status, changes } = publish(t, { REGION: 'eu-west-1', ORGANIZATION: 'o-a1b2c3d4e5' });
  assert.equal(status, 0);
  assert.equal(option(changes[1], '--organization-id'), 'o-a1b2c3d4e5');
  assert.equal(option(changes[1], '--principal'), '*');
  assert.equal(option(changes[1], '--version-number'), '7');
});

test('tells every problem with what it was asked, and asks AWS nothing', (t) => {
  const result = publish(t, {
    REGION: 'eu-central,us-gov-west-1,eu-west-1',
    ARCH: 'riscv',
    PUBLIC: '1',
    ORGANIZATION: 'acme',
    LAYER_NAME: 'my layer',
    DRY_RUN: 'maybe',
  });
  assertRefused(result, /ARCH must be x86_64 or arm64, not riscv/);
  for (const words of [
    'eu-central is no name of a region',
    'are of aws-us-gov and aws, whose credentials differ',
    'LAYER_NAME must be 1 to 64 letters, digits, - and _, not my layer',
    'PUBLIC=1 and ORGANIZATION= contradict each other',
    'ORGANIZATION must be the id of an organisation, o-a1b2c3d4e5 for example, not acme',
    'DRY_RUN must be 1 or 0, not maybe',
  ]) {
    assert.ok(result.stderr.includes(words), `${words}\n${result.stderr}`);
  }
  assert.deepEqual(result.calls, []);
});

test('says what is missing when REGION is not set', (t) => {
  assertRefused(publish(t, {}), /REGION is missing\. For example: make publish REGION=eu-central-1,us-east-1/);
});

test('make publish looks at its variables before it builds anything', () => {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const options = { cwd: root, encoding: 'utf8', env } as const;
  const { status, stdout, stderr } = spawnSync('make', ['publish', 'REGION=', 'ORGANIZATION=acme'], options);
  assert.equal(status, 2);
  assert.match(stderr, /REGION is missing/);
  assert.match(stderr, /ORGANIZATION must be the id of an organisation, .* not acme/);
  assert.ok(!stdout.includes('sea.ts'), stdout);
});

test('says what is missing when the AWS CLI is not there', (t) => {
  assertRefused(publish(t, { REGION: 'eu-central-1', PATH: '/nowhere' }), /the AWS CLI \(aws\) is not on the PATH/);
});

test('publishes nowhere when one of the regions does not know us', (t) => {
  const fails = 'get-caller-identity@eu-south-9=Unknown endpoint';
  const result = publish(t, { REGION: 'eu-west-1,eu-south-9', FAKE_AWS_FAILS: fails });
  assertRefused(result, /eu-south-9: who we are cannot be asked there: .*Unknown endpoint/);
});

for (const [region, partition] of [
  ['us-gov-west-1', 'aws-us-gov'],
  ['cn-north-1', 'aws-cn'],
] as const) {
  test(`credentials of another partition are told before anything is published in ${region}`, (t) => {
    assertRefused(
      publish(t, { REGION: region }),
      new RegExp(`${region} is of ${partition}, and the credentials are of aws`),
    );
    assert.equal(publish(t, { REGION: region, FAKE_AWS_PARTITION: partition }).status, 0);
  });
}

test('a layer that is not there, or of another architecture, is told before anything is published', (t) => {
  const missing = publish(t, { REGION: 'eu-west-1', LAYER_FILE: '/nowhere/layer.zip' });
  assertRefused(missing, /there is no \/nowhere\/layer\.zip: make zip ARCH=x86_64 makes it/);
  assertRefused(publish(t, { REGION: 'eu-west-1', ARCH: 'arm64' }), /is for x86_64, not for arm64/);
});

test('a dry run prints the commands and runs none', (t) => {
  const { status, stdout, calls } = publish(t, { REGION: 'eu-central-1', DRY_RUN: '1', PUBLIC: '1', PATH: '/nowhere' });
  assert.equal(status, 0);
  assert.deepEqual(calls, []);
  const [publishLine, permissionLine, ...rest] = stdout.trimEnd().split('\n');
  assert.match(publishLine ?? '', /^aws lambda publish-layer-version --region eu-central-1 .* --zip-file fileb:\/\//);
  assert.match(
    permissionLine ?? '',
    /^aws lambda add-layer-version-permission .* --action lambda:GetLayerVersion --principal '\*'/,
  );
  assert.deepEqual(rest, []);
});

for (const value of ['0', 'false', 'no', '']) {
  test(`DRY_RUN=${value} is no dry run`, (t) => {
    assert.equal(publish(t, { REGION: 'eu-central-1', DRY_RUN: value }).changes.length, 1);
  });
}

test('a dry run prints the very words that the CLI is then given', (t) => {
  const file = path.join(root, 'bin/none.zip');
  const printed = publish(t, { REGION: 'eu-central-1', DRY_RUN: '1', LAYER_FILE: file }).stdout;
  const echoed = spawnSync('/bin/sh', ['-c', `aws() { printf '%s\\n' "$@"; }; ${printed}`], {
    encoding: 'utf8',
  }).stdout;
  const given = publish(t, { REGION: 'eu-central-1' }).changes[0]?.map((word) =>
    word.startsWith('fileb://') ? 'fileb://bin/none.zip' : word,
  );
  assert.deepEqual(echoed.trimEnd().split('\n'), given);
});

test('goes public for nobody when there is no terminal to ask on, unless YES=1 says so', (t) => {
  const region = { REGION: 'eu-central-1', PUBLIC: '1' };
  assertRefused(publish(t, region), /there is no terminal to ask on: YES=1 says yes beforehand/);
  const { status, changes } = publish(t, { ...region, YES: '1' });
  assert.equal(status, 0);
  assert.equal(option(changes[1], '--principal'), '*');
  assert.ok(!changes[1]?.includes('--organization-id'));
});

for (const [answer, granted] of [
  ['no', false],
  ['yes', true],
] as const) {
  test(`goes public ${granted ? 'once' : 'never when'} the answer on the terminal is ${answer}`, (t) => {
    const script = findProgram('script');
    if (script === undefined) return t.skip('no script(1) here to make a terminal with');
    const shell = `echo ${answer} | '${script}' --quiet --return --command "'$0' '$1'" /dev/null`;
    const { status, changes } = publish(t, { REGION: 'eu-central-1', PUBLIC: '1' }, ['/bin/sh', '-c', shell]);
    assert.equal(status === 0, granted);
    const names = changes.map((call) => call[1]);
    assert.deepEqual(names, granted ? ['publish-layer-version', 'add-layer-version-permission'] : []);
  });
}
