// Leads the late script along the way of a log line, so that its code cache holds what the first record needs: a body of the platform
// becomes entries, the entries a push, and a Loki in this process takes it, over http and over https. pino stays cold on purpose: a
// healthy run never prints, and its functions would only make the cache larger, which is read whole at each start.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setDefaultCACertificates } from 'node:tls';
import { parseConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/log.ts';
import { certificatePath, startTlsRelay } from '../../test/fakes/tls-relay.ts';

type Late = typeof import('../../src/late/index.ts');

const REQUEST_ID = '8286a188-ba32-4475-8077-530cd35c09a9';
const FLUSH_MS = 10_000;
const RECORDS = [
  ['platform.start', { requestId: REQUEST_ID, version: '$LATEST' }],
  ['function', `2026-01-02T03:04:05.678Z\t${REQUEST_ID}\tINFO\thello\n`],
  ['function', `[INFO]\t2026-01-02T03:04:05.678Z\t${REQUEST_ID}\thello\n`],
  ['function', 'hello world\n'],
  ['function', { timestamp: '2026-01-02T03:04:05Z', level: 'WARN', message: 'hello', requestId: REQUEST_ID }],
  ['function', '{"level":"error","msg":"hello"}'],
  ['platform.runtimeDone', { requestId: REQUEST_ID, status: 'success' }],
  ['platform.report', { requestId: REQUEST_ID, metrics: { durationMs: 1, billedDurationMs: 1, memorySizeMB: 128 } }],
] as const;

/** Rejects when nothing reached Loki on one of the ways: the cache would lack what it is there for. */
export async function warmUp(late: Late): Promise<void> {
  let pushes = 0;
  const loki = createServer((request, response) => {
    request.resume().once('end', () => {
      pushes++;
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => loki.listen(0, '127.0.0.1', resolve));
  const { port } = loki.address() as AddressInfo;
  setDefaultCACertificates([readFileSync(certificatePath, 'utf8')]);
  const relay = await startTlsRelay(port);
  for (const url of [`http://127.0.0.1:${port}`, relay.url]) {
    pushes = 0;
    await pushOver(late, url);
    if (pushes === 0) throw new Error(`nothing arrived at the Loki of the warm-up: ${url.slice(0, url.indexOf(':'))}`);
  }
  void relay.close();
  loki.close();
  loki.closeAllConnections();
}

async function pushOver(late: Late, url: string): Promise<void> {
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: url, AWS_REGION: 'eu-central-1' });
  if (config.endpoint === undefined) throw new Error('the settings of the warm-up are refused');
  const log = createLog('silent', () => late.openLogSink(config), Date.now);
  const identity = {
    functionName: 'warm-up',
    functionVersion: '$LATEST',
    accountId: '123456789012',
    region: 'eu-central-1',
  };
  const pipeline = late.openPipeline(config, config.endpoint, identity, false, log);
  pipeline.receive(body());
  pipeline.begin();
  pipeline.resume();
  pipeline.invoked({
    requestId: REQUEST_ID,
    traceHeader: 'Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Sampled=1',
    invokedArn: undefined,
  });
  await pipeline.invocations.runtimeDone(REQUEST_ID);
  await pipeline.flush(Date.now() + FLUSH_MS);
}

function body(): Buffer {
  const time = new Date().toISOString();
  return Buffer.from(JSON.stringify(RECORDS.map(([type, record]) => ({ time, type, record }))));
}
