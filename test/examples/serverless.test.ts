// examples/serverless: by the types that the Serverless Framework publishes, and as the value that it reads.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { npmCopy, run } from './tools.ts';

test('serverless.ts is a configuration by its own types, and puts the layer on every function', () => {
  const folder = npmCopy('serverless');
  const { status, stdout } = run(['node', 'node_modules/typescript/bin/tsc', '--project', '.'], { cwd: folder });
  assert.equal(status, 0, stdout);
  const file = path.join(folder, 'serverless.ts');
  const { provider, functions } = createRequire(file)(file);
  assert.match(provider.layers.join(), /^arn:aws:lambda:eu-central-1:\d{12}:layer:aws-lambda-loki-extension-x86_64:1$/);
  assert.equal(provider.environment.LOKI_PUSH_ENDPOINT, 'https://logs-prod-012.grafana.net');
  assert.ok(existsSync(path.join(folder, functions.hello.handler.replace('.handler', '.mjs'))));
});
