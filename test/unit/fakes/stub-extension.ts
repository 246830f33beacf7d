// A very small extension, for the tests of the emulator: it registers, subscribes, waits for `platform.runtimeDone` and asks
// for the next event. `STUB` in its environment makes it misbehave. It prints what it received, one JSON text a line.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const fault = process.env['STUB'] ?? '';
const api = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}`;
const done = new Set<string>();
const reported = new Set<string>();
let last = '';
let look = () => {};

async function until(predicate: () => boolean): Promise<void> {
  while (!predicate()) {
    await new Promise<void>((resolve) => {
      look = resolve;
    });
  }
}

const listener = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    response.end();
    for (const record of JSON.parse(body)) {
      console.log(JSON.stringify({ type: record.type, record: record.record }));
      if (record.type === 'platform.runtimeDone') done.add(record.record.requestId);
      if (record.type === 'platform.report') reported.add(record.record.requestId);
    }
    look();
  });
});
await new Promise<void>((resolve) => listener.listen(0, resolve));
const { port } = listener.address() as AddressInfo;

const events = fault === 'shutdown-only' ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN'];
const registered = await fetch(`${api}/2020-01-01/extension/register`, {
  method: 'POST',
  headers: { 'lambda-extension-name': process.env['STUB_NAME'] ?? 'stub' },
  body: JSON.stringify({ events }),
});
if (!registered.ok) process.exit(1);
const headers = { 'lambda-extension-identifier': registered.headers.get('lambda-extension-identifier') ?? '' };
const destination = { protocol: 'HTTP', URI: `http://sandbox.localdomain:${port}/` };
const types = ['platform', 'function'];
const body = JSON.stringify({ schemaVersion: '2021-03-18', types, buffering: { timeoutMs: 25 }, destination });
await fetch(`${api}/2020-08-15/logs`, { method: 'PUT', headers, body });

for (;;) {
  const answer = await fetch(`${api}/2020-01-01/extension/event/next`, { headers });
  const event = (await answer.json()) as { eventType: string; requestId: string };
  if (event.eventType === 'SHUTDOWN') {
    if (fault === 'deaf') await wait(60_000);
    await Promise.race([wait(300), until(() => reported.has(last))]);
    process.exit(0);
  }
  if (fault === 'exit') process.exit(0);
  if (fault === 'slow') await wait(60_000);
  last = event.requestId;
  await until(() => done.has(last));
}
