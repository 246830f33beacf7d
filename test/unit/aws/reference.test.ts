import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isArn, parseReference } from '../../../src/aws/reference.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/loki-AbCdEf';

test('reads a secret as ECS writes it, with a key, a stage and a version behind it', () => {
  const whole = parseReference(SECRET);
  assert.deepEqual(whole, {
    text: SECRET,
    service: 'secretsmanager',
    partition: 'aws',
    region: 'eu-central-1',
    id: SECRET,
    jsonKey: undefined,
    versionStage: undefined,
    versionId: undefined,
  });
  const { id, jsonKey, versionStage, versionId } = parseReference(`${SECRET}:password:AWSPREVIOUS:`) ?? {};
  assert.deepEqual(
    { id, jsonKey, versionStage, versionId },
    { id: SECRET, jsonKey: 'password', versionStage: 'AWSPREVIOUS', versionId: undefined },
  );
  assert.equal(
    parseReference(`${SECRET}:::0f1e2d3c-0000-1111-2222-333344445555`)?.versionId,
    '0f1e2d3c-0000-1111-2222-333344445555',
  );
});

test('reads a parameter of any partition, also with a version', () => {
  for (const text of [
    'arn:aws-cn:ssm:cn-north-1:123456789012:parameter/loki/token',
    'arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/token:3',
    'arn:aws-eusc:ssm:eusc-de-east-1:123456789012:parameter/token',
  ]) {
    const { service, id } = parseReference(text) ?? {};
    assert.deepEqual({ service, id }, { service: 'ssm', id: text });
  }
});

test('refuses an ARN that is no secret and no parameter', () => {
  for (const text of [
    'arn:aws:s3:::bucket/key',
    'arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c',
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:',
    'arn:aws:secretsmanager:eu-central-1:123456789012:policy:x',
    `${SECRET}:a:b:c:d`,
    'arn:aws:secretsmanager::123456789012:secret:x-AbCdEf',
    'arn:aws:ssm:eu-central-1:123456789012:document/x',
    'arn:',
  ]) {
    assert.ok(isArn(text));
    assert.equal(parseReference(text), undefined, text);
  }
});
