// examples/cdk by `cdk synth`, in a folder of its own, with the packages of its lockfile: what would be deployed is looked at.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { npmCopy, run } from './tools.ts';

const QUIET = { CDK_DISABLE_CLI_TELEMETRY: 'true', CI: 'true' };
const ENDPOINT = 'https://logs-prod-012.grafana.net';

interface CdkFunction {
  readonly Type: string;
  readonly Properties: {
    readonly Runtime: string;
    readonly Layers?: readonly string[];
    readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
  };
}

test('cdk synth puts the layer of its architecture on every function that can take it', () => {
  const folder = npmCopy('cdk');
  const types = run(['node', 'node_modules/typescript/bin/tsc', '--project', '.'], { cwd: folder });
  assert.equal(types.status, 0, types.stdout);
  const synth = ['node', 'node_modules/aws-cdk/bin/cdk', 'synth', '--quiet', '--no-notices', '--no-version-reporting'];
  const { status, stdout, stderr } = run(synth, { cwd: folder, env: QUIET });
  assert.equal(status, 0, stdout + stderr);
  const { Resources } = JSON.parse(readFileSync(path.join(folder, 'cdk.out/Hello.template.json'), 'utf8'));
  const functions = new Map(
    Object.values<CdkFunction>(Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => [Properties.Runtime, Properties]),
  );
  for (const [runtime, arch] of [
    ['nodejs22.x', 'x86_64'],
    ['python3.13', 'arm64'],
  ] as const) {
    const properties = functions.get(runtime);
    assert.match(properties?.Layers?.join() ?? '', new RegExp(`layer:aws-lambda-loki-extension-${arch}:1$`));
    assert.deepEqual(properties?.Environment?.Variables, { LOKI_PUSH_ENDPOINT: ENDPOINT, LOKI_LOG_LABELS: 'env=prod' });
  }
  assert.equal(functions.get('python3.11')?.Layers, undefined);
  assert.match(stdout + stderr, /its logs do not go to Loki: python3\.11 is not on Amazon Linux 2023/);
});
