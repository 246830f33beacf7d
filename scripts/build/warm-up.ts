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

const REQUEST_IDS = ['8286a188-ba32-4475-8077-530cd35c09a9', '3cd0c9ed-33f3-4d5c-8b6a-8f1d4b0e5a2f'];
const FLUSH_MS = 10_000;
const INIT = [
  ['platform.initStart', { initializationType: 'on-demand', phase: 'init' }],
  ['platform.initReport', { initializationType: 'on-demand', phase: 'init', metrics: { durationMs: 1 } }],
] as const;

type Record = readonly [type: string, record: string | object];

const linesOf = (requestId: string): Record[] => [
  ['platform.start', { requestId, version: '$LATEST' }],
  ['function', `2026-01-02T03:04:05.678Z\t${requestId}\tINFO\thello\n`],
  ['function', `[INFO]\t2026-01-02T03:04:05.678Z\t${requestId}\thello\n`],
  ['function', 'hello world\n'],
  ['function', { timestamp: '2026-01-02T03:04:05Z', level: 'WARN', message: 'hello', requestId }],
  ['function', '{"level":"error","msg":"hello"}'],
];
const endOf = (requestId: string): Record[] => [
  ['platform.runtimeDone', { requestId, status: 'success' }],
  ['platform.report', { requestId, metrics: { durationMs: 1, billedDurationMs: 1, memorySizeMB: 128 } }],
];

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
  const pipeline = await late.openPipeline(config, identity, false, log);
  if (!pipeline) throw new Error('the settings of the warm-up lead nowhere');
  const flush = () => pipeline.flush(Date.now() + FLUSH_MS);
  pipeline.begin();
  pipeline.suspend();
  pipeline.receive(toBody(INIT));
  pipeline.sendNow();
  await flush();
  for (const requestId of REQUEST_IDS) {
    pipeline.resume();
    pipeline.invoked({
      requestId,
      traceHeader: 'Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Sampled=1',
      invokedArn: undefined,
    });
    pipeline.receive(toBody(linesOf(requestId)));
    pipeline.receive(toBody(endOf(requestId)));
    await pipeline.invocations.runtimeDone(requestId);
    pipeline.reportLosses();
    await flush();
    pipeline.suspend();
  }
  // SHUTDOWN in a hurry, as a small function has it.
  pipeline.hurry(true);
  pipeline.receive(toBody(endOf('late')));
  pipeline.sendNow();
  await pipeline.drain(Date.now() + FLUSH_MS);
  pipeline.receive(toBody(linesOf('unread')));
  pipeline.abandon();
}

function toBody(records: readonly Record[]): Buffer {
  const time = new Date().toISOString();
  return Buffer.from(JSON.stringify(records.map(([type, record]) => ({ time, type, record }))));
}
