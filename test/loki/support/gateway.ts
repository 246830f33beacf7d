// A reverse proxy between the extension and a real Loki that can lose answers: the push is stored, the client never learns.
// What a client does then decides whether lines come twice.

import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** What becomes of the next push: answered as Loki did, or stored and the connection cut. */
export type Fate = 'answer' | 'lose answer';

export type Gateway = {
  readonly url: string;
  /** Statuses that Loki gave, in order. */
  readonly statuses: readonly number[];
  /** Bodies pushed, in order: a resend must be the same bytes. */
  readonly bodies: readonly Buffer[];
};

/** @param fates one for each push in turn; `answer` when they are used up */
export async function startGateway(t: TestContext, lokiUrl: string, fates: readonly Fate[]): Promise<Gateway> {
  const left = [...fates];
  const statuses: number[] = [];
  const bodies: Buffer[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      bodies.push(body);
      const fate = left.shift() ?? 'answer';
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const answer = await fetch(`${lokiUrl}${request.url}`, { method: 'POST', headers, body });
      const text = await answer.text();
      statuses.push(answer.status);
      if (fate === 'lose answer') request.socket.resetAndDestroy();
      else response.writeHead(answer.status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, statuses, bodies };
}
