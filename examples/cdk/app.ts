// npm ci && npm run synth. Two functions that know nothing of Loki, and one line that sends the logs of both there.
import path from 'node:path';
import { App, Aspects, Duration, Stack } from 'aws-cdk-lib';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LokiLogsForAll } from './loki-logs.ts';

const app = new App();
const stack = new Stack(app, 'Hello');

const functions = path.join(import.meta.dirname, '../functions');
new Function(stack, 'Node', {
  runtime: Runtime.NODEJS_22_X,
  architecture: Architecture.X86_64,
  handler: 'index.handler',
  code: Code.fromAsset(path.join(functions, 'node')),
  timeout: Duration.seconds(10),
});
new Function(stack, 'Python', {
  runtime: Runtime.PYTHON_3_13,
  architecture: Architecture.ARM_64,
  handler: 'handler.handler',
  code: Code.fromAsset(path.join(functions, 'python')),
  timeout: Duration.seconds(10),
});
// The extension cannot run on Amazon Linux 2: this one is passed over, with a warning.
new Function(stack, 'Old', {
  runtime: Runtime.PYTHON_3_11,
  handler: 'handler.handler',
  code: Code.fromAsset(path.join(functions, 'python')),
});

Aspects.of(app).add(
  new LokiLogsForAll({
    layerArns: {
      x86_64: 'arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-x86_64:1',
      arm64: 'arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-arm64:1',
    },
    endpoint: 'https://logs-prod-012.grafana.net',
    environment: { LOKI_LOG_LABELS: 'env=prod' },
  }),
);
