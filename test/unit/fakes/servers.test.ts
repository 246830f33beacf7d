// The small servers of the end-to-end tests: TLS in front of the fake Loki, silence, and the fake Loki on a thread.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startFakeLoki } from '../../fakes/fake-loki.ts';
import { startLokiThread } from '../../fakes/loki-thread.ts';
import { startSilentServer } from '../../fakes/silent-server.ts';
import { certificatePath, startTlsRelay } from '../../fakes/tls-relay.ts';

function getReady(url: string, ca: Buffer | undefined): Promise<number | string> {
  return new Promise((resolve) => {
    const call = request(`${url}/ready`, { agent: false, ...(ca === undefined ? {} : { ca }) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    call.end();
  });
}

test('the TLS relay serves who trusts its certificate, and counts who does not', async (t) => {
  const loki = await startFakeLoki();
  t.after(() => loki.close());
  const relay = await startTlsRelay(loki.port);
  t.after(() => relay.close());
  assert.equal(await getReady(relay.url, readFileSync(certificatePath)), 200);
  assert.equal(relay.trusted, 1);
  assert.match(String(await getReady(relay.url, undefined)), /SELF_SIGNED|DEPTH_ZERO/);
});

test('the silent server reads and never answers', async (t) => {
  const silent = await startSilentServer();
  t.after(() => silent.close());
  const socket = connect(Number(new URL(silent.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  let heard = 0;
  socket.on('data', (chunk) => {
    heard += chunk.length;
  });
  await new Promise<void>((sent) => socket.write('POST / HTTP/1.1\r\n\r\n', () => sent()));
  while (silent.bytes < 19) await new Promise((later) => setImmediate(later));
  assert.equal(heard, 0);
});

test('the fake Loki on a thread tells what it holds', async (t) => {
  const loki = await startLokiThread();
  t.after(() => loki.close());
  const body = JSON.stringify({
    streams: [{ stream: { service_name: 'orders' }, values: [[`${Date.now()}000000`, 'hello']] }],
  });
  const url = `${loki.url}/loki/api/v1/push`;
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal(answer.status, 204);
  const { entries, duplicates, requests } = await loki.snapshot();
  assert.deepEqual(
    entries.map(({ line }) => line),
    ['hello'],
  );
  assert.equal(duplicates, 0);
  assert.deepEqual(requests, [{ streams: 1, wireBytes: body.length, rawBytes: body.length, status: 204 }]);
  assert.equal(await loki.requestCount(), 1);
});
