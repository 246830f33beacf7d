// Stands in front of a receiver and hands each push to the fake Loki too, byte for byte: two decoders that share no code see the same.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { type FakeLoki, startFakeLoki } from '../../fakes/fake-loki.ts';

/** The answers are the receiver's. @returns the endpoint to push to, and what the fake Loki saw */
export async function startTee(t: TestContext, endpoint: string): Promise<{ endpoint: string; loki: FakeLoki }> {
  const { pathname, search } = new URL(endpoint);
  const anyTime = { maxAgeMs: undefined, maxAheadMs: undefined, maxBehindMs: undefined };
  const loki = await startFakeLoki({ paths: [pathname], limits: anyTime });
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    const push = { method: 'POST', headers, body };
    const [answer] = await Promise.all([fetch(endpoint, push), fetch(`${loki.url}${pathname}`, push)]);
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await loki.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}${search}`, loki };
}
