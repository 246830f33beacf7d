// The shell scripts of examples/, with an `aws` on the PATH that has a few functions: what they change, keep and pass over.

import assert from 'node:assert/strict';
import { globSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram } from '../../scripts/build/toolchain.ts';
import { type FakeAws, fakeAws, type LambdaFunction } from './fake-aws.ts';
import { examples, notRun, type Run, run, scratch } from './tools.ts';

const LAYER = 'arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-x86_64';
const OTHER = 'arn:aws:lambda:eu-central-1:123456789012:layer:other:3';
const SECRET = 'glc_secret';
const settings = { LAYER_ARN: `${LAYER}:2`, LOKI_PUSH_ENDPOINT: 'https://loki.example', LOKI_PASSWORD: SECRET };

const functions: readonly LambdaFunction[] = [
  {
    FunctionName: 'orders-api',
    Runtime: 'nodejs22.x',
    Layers: [{ Arn: OTHER }, { Arn: `${LAYER}:1` }],
    Environment: { Variables: { TABLE: 'orders', LOKI_PUSH_ENDPOINT: 'https://old.example' } },
  },
  { FunctionName: 'plain', Runtime: 'python3.13' },
  { FunctionName: 'old', Runtime: 'python3.11' },
  { FunctionName: 'arm', Runtime: 'nodejs22.x', Architectures: ['arm64'] },
  { FunctionName: 'image', PackageType: 'Image' },
];

function script(
  t: TestContext,
  name: string,
  args: readonly string[],
  given: object = {},
  list = functions,
): Run & { aws: FakeAws } {
  const aws = fakeAws(scratch(t), list);
  const env = { ...aws.env, ...settings, ...given };
  return { ...run(['bash', path.join(examples, name), ...args], { env }), aws };
}

const lokiLogs = (t: TestContext, args: readonly string[], given: object = {}, list = functions) =>
  script(t, 'cli/loki-logs.sh', args, given, list);

test('every script is one by bash and by shellcheck', (t) => {
  const files = globSync('**/*.sh', { cwd: examples }).map((file) => path.join(examples, file));
  assert.ok(files.length >= 2);
  for (const file of files) assert.equal(run(['bash', '-n', file]).status, 0, file);
  const shellcheck = findProgram('shellcheck');
  if (shellcheck === undefined) return notRun(t, 'there is no shellcheck; bash has read them');
  const { status, stdout } = run([shellcheck, ...files]);
  assert.equal(status, 0, stdout);
});

test('add keeps the other layers and variables, and takes the place of an older version', (t) => {
  const { status, aws, stderr } = lokiLogs(t, ['add', 'orders-api']);
  assert.equal(status, 0, stderr);
  assert.deepEqual(aws.changed('orders-api')?.Layers, [OTHER, `${LAYER}:2`]);
  assert.deepEqual(aws.changed('orders-api')?.Environment.Variables, {
    TABLE: 'orders',
    LOKI_PUSH_ENDPOINT: 'https://loki.example',
    LOKI_PASSWORD: SECRET,
  });
});

test('add-all passes over what cannot take the layer, and says why', (t) => {
  const { status, stdout, aws } = lokiLogs(t, ['add-all', '--region', 'eu-central-1']);
  assert.equal(status, 0);
  for (const words of [
    'orders-api: done',
    'plain: done',
    'old: passed over, python3.11 is not on Amazon Linux 2023',
    'arm: passed over, it is of arm64, and the layer is of x86_64',
    'image: passed over, it is a container image',
  ]) {
    assert.ok(stdout.includes(words), `${words}\n${stdout}`);
  }
  for (const name of ['old', 'arm', 'image']) assert.equal(aws.changed(name), undefined);
  assert.ok(aws.calls().every((call) => call.includes('@eu-central-1 ')));
});

test('remove takes off the layer and the variables of Loki, and nothing else', (t) => {
  const { aws, stdout } = lokiLogs(t, ['remove', 'orders-api', 'plain']);
  assert.deepEqual(aws.changed('orders-api')?.Layers, [OTHER]);
  assert.deepEqual(aws.changed('orders-api')?.Environment.Variables, { TABLE: 'orders' });
  assert.match(stdout, /plain: passed over, it does not have the layer/);
});

test('a function that fails stops no other, and is told by the exit code', (t) => {
  const list = [{ FunctionName: 'broken', Runtime: 'nodejs22.x' }, ...functions];
  const { status, stdout, stderr } = lokiLogs(t, ['add-all'], {}, list);
  assert.equal(status, 1);
  assert.match(stderr, /broken: FAILED/);
  assert.match(stdout, /plain: done/);
});

test('a dry run changes nothing, and prints no secret', (t) => {
  const { status, stdout, aws } = lokiLogs(t, ['add', 'orders-api'], { DRY_RUN: '1' });
  assert.equal(status, 0);
  assert.match(stdout, /orders-api: would have the layers .*x86_64:2.*LOKI_PASSWORD/);
  assert.ok(!stdout.includes(SECRET));
  assert.equal(aws.changed('orders-api'), undefined);
});

test('no secret is an argument of a command', (t) => {
  const { aws } = lokiLogs(t, ['add', 'orders-api']);
  assert.ok(!aws.calls().join().includes(SECRET));
});

test('what is missing is said before anything is asked', (t) => {
  for (const [args, given, words] of [
    [['add', 'plain'], { LAYER_ARN: '' }, /LAYER_ARN must be the ARN/],
    [['add', 'plain'], { LAYER_ARN: LAYER }, /with the version at its end/],
    [['add', 'plain'], { LOKI_PUSH_ENDPOINT: '' }, /LOKI_PUSH_ENDPOINT is not set/],
    [['add'], {}, /add needs the name of a function/],
    [['paint'], {}, /usage/],
  ] as const) {
    const { status, stderr, aws } = lokiLogs(t, args, given);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
    assert.ok(!aws.calls().some((call) => call.includes('function-configuration')));
  }
});

test('the roll-out takes on the role of each account, and one that refuses stops no other', (t) => {
  const layers = path.join(scratch(t), 'layers.txt');
  writeFileSync(
    layers,
    `region        layer version\neu-central-1  ${LAYER}:2\nus-east-1     ${LAYER.replace('eu-central-1', 'us-east-1')}:5\n`,
  );
  const { status, stdout, stderr, aws } = script(t, 'organization/roll-out.sh', ['add', layers], { LAYER_ARN: '' });
  assert.equal(status, 1);
  assert.match(stderr, /account 333333333333: FAILED, its role cannot be taken on/);
  assert.match(stdout, /account 111111111111\n[\s\S]*account 222222222222\n[\s\S]*plain: done/);
  const lists = aws.calls().filter((call) => call.includes('list-functions'));
  assert.deepEqual(
    lists.map((call) => call.split(' ')[0]),
    ['own@eu-central-1', 'own@us-east-1', 'key-of-222222222222@eu-central-1', 'key-of-222222222222@us-east-1'],
  );
});
