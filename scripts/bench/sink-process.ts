// The Loki of the benchmarks, in a process of its own: answers 204 after a set delay and keeps every body until it is asked
// what was in them. Decoding comes after the measurement, so it does not compete for the processor.
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import snappy from 'snappyjs';
import { decodePushRequest } from '../../test/fakes/loki/push-request.ts';
import { certificatePath, keyPath } from '../../test/fakes/tls-relay.ts';
import { monotonicMs } from './proc.ts';
import type { SinkReport } from './sink.ts';

interface Received {
  readonly body: Buffer;
  readonly receivedMs: number;
  answeredMs: number;
}

const MARKER = /#(\d+) /;
let received: Received[] = [];
let delayMs = 0;
const sockets = new Set<Socket>();
let bytesOfEndedSockets = 0;
let wireBytesBefore = 0;

const take: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const push = { body: Buffer.concat(chunks), receivedMs: monotonicMs(), answeredMs: Number.NaN };
    received.push(push);
    const answer = () => {
      push.answeredMs = monotonicMs();
      response.writeHead(204).end();
    };
    if (delayMs === 0) answer();
    else setTimeout(answer, delayMs);
  });
};
const certificate = { cert: readFileSync(certificatePath), key: readFileSync(keyPath) };
const port = await listen(createServer(take));
const securePort = await listen(createSecureServer(certificate, take));
process.send?.({ port, securePort });

async function listen(server: Server): Promise<number> {
  server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      bytesOfEndedSockets += socket.bytesRead;
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}

/** What the parent may ask. */
const commands = {
  reset(milliseconds: number): void {
    received = [];
    delayMs = milliseconds;
    wireBytesBefore = wireBytes();
  },
  count: () => received.length,
  report,
};
export type SinkCommands = typeof commands;
process.on('message', ([name, argument]: [keyof SinkCommands, number]) => process.send?.([commands[name](argument)]));
process.on('disconnect', () => process.exit());

function report(): SinkReport {
  let functionLines = 0;
  let otherLines = 0;
  let lineBytes = 0;
  const arrivals: [marker: number, ms: number][] = [];
  for (const { body, receivedMs } of received) {
    const streams = decodePushRequest(snappy.uncompress(body));
    if ('problem' in streams) throw new Error(`a push cannot be read: ${streams.problem}`);
    for (const { labels, entries } of streams) {
      if (!labels.includes('type="function"')) {
        otherLines += entries.length;
        continue;
      }
      functionLines += entries.length;
      for (const entry of entries) {
        lineBytes += entry.lineBytes;
        const marker = MARKER.exec(entry.line)?.[1];
        if (marker !== undefined) arrivals.push([Number(marker), receivedMs]);
      }
    }
  }
  return {
    pushes: received.map(({ body, receivedMs, answeredMs }) => ({ bytes: body.length, receivedMs, answeredMs })),
    functionLines,
    otherLines,
    lineBytes,
    arrivals,
    wireBytes: wireBytes() - wireBytesBefore,
  };
}

function wireBytes(): number {
  let bytes = bytesOfEndedSockets;
  for (const socket of sockets) bytes += socket.bytesRead;
  return bytes;
}
