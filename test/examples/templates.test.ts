// The templates of CloudFormation and AWS SAM by cfn-lint, which knows the schema of every resource; and the IAM policies, in a
// template that has them.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/build/toolchain.ts';
import { examples, notRun, pythonTool, run, scratch } from './tools.ts';

const linter = pythonTool('cfn-lint');
const regions = ['--regions', 'eu-central-1', 'us-east-1'];

for (const name of ['sam', 'cloudformation', 'vpc']) {
  test(`examples/${name}/template.yaml is a template without faults`, (t) => {
    if (!linter.ok) return notRun(t, linter.reason);
    const { status, stdout, stderr } = run([linter.path, ...regions, '--', path.join(examples, name, 'template.yaml')]);
    assert.equal(status, 0, stdout + stderr);
  });
}

for (const name of ['publish-policy.json', 'no-cloudwatch-policy.json']) {
  test(`examples/iam/${name} is a policy without faults`, (t) => {
    if (!linter.ok) return notRun(t, linter.reason);
    const file = path.join(scratch(t), 'template.json');
    writeFileSync(file, JSON.stringify(templateWith(readPolicy(name))));
    const { status, stdout, stderr } = run([linter.path, ...regions, '--', file]);
    assert.equal(status, 0, stdout + stderr);
  });
}

test('the quick start of the README is a template without faults', (t) => {
  if (!linter.ok) return notRun(t, linter.reason);
  const snippet = readFileSync(path.join(root, 'README.md'), 'utf8').match(/```yaml\n(Resources:.*?)```/s)?.[1];
  assert.ok(snippet);
  const folder = scratch(t);
  mkdirSync(path.join(folder, 'src'));
  const file = path.join(folder, 'template.yaml');
  writeFileSync(file, `Transform: AWS::Serverless-2016-10-31\n${snippet}`);
  const { status, stdout, stderr } = run([linter.path, ...regions, '--', file]);
  assert.equal(status, 0, stdout + stderr);
});

test('the linter finds a wrong runtime, and an action that there is not', (t) => {
  if (!linter.ok) return notRun(t, linter.reason);
  const template = path.join(scratch(t), 'template.yaml');
  const text = readFileSync(path.join(examples, 'cloudformation/template.yaml'), 'utf8');
  writeFileSync(template, text.replace('python3.13', 'python9'));
  assert.match(run([linter.path, template]).stdout, /python9/);
  const policy = path.join(scratch(t), 'template.json');
  writeFileSync(policy, JSON.stringify(templateWith({ Version: '2012-10-17', Statement: [{ Effect: 'Perhaps' }] })));
  assert.match(run([linter.path, policy]).stdout, /Perhaps/);
});

function readPolicy(name: string): unknown {
  return JSON.parse(readFileSync(path.join(examples, 'iam', name), 'utf8'));
}

function templateWith(policy: unknown): unknown {
  const Properties = { PolicyDocument: policy };
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Resources: { Policy: { Type: 'AWS::IAM::ManagedPolicy', Properties } },
  };
}
