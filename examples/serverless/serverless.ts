// serverless deploy --param='loki-password=glc_...'
import type { AWS } from '@serverless/typescript';

const configuration: AWS = {
  service: 'loki-hello',
  frameworkVersion: '4',
  provider: {
    name: 'aws',
    region: 'eu-central-1',
    runtime: 'nodejs22.x',
    architecture: 'x86_64',
    memorySize: 256,
    layers: ['arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-x86_64:1'],
    environment: {
      LOKI_PUSH_ENDPOINT: 'https://logs-prod-012.grafana.net',
      LOKI_USERNAME: '123456',
      LOKI_PASSWORD: '${param:loki-password}',
      LOKI_LOG_LABELS: 'env=${sls:stage}',
    },
  },
  functions: {
    hello: { handler: 'src/index.handler' },
  },
};

module.exports = configuration;
