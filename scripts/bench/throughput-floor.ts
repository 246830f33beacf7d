// The floor of the throughput: the smallest program that takes the platform's bodies, reads them, encodes, compresses and sends the same entries
// with the same packages and V8 flags. It has one stream, knows no failure and keeps no promise: what it costs is what the packages cost.
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

import { connect, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import protobuf from 'protobufjs/minimal.js';
import snappy from 'snappyjs';
import UndiciClient from 'undici/lib/dispatcher/client.js';
import { LEAN_FLAGS } from '../../src/late/load.sea.ts';

interface LogRecord {
  readonly time: string;
  readonly type: string;
  readonly record: string;
}

const LABELS =
  '{function_name="orders-api", region="eu-central-1", service_name="orders-api", source="lambda", type="function"}';
const METADATA = [
  ['request_id', '8d1f5a1e-4c0e-4c61-9d63-000000000001'],
  ['trace_id', '6957b2de0f3c2b1a4d5e6f7081920a1b'],
  ['level', 'info'],
  ['function_version', '$LATEST'],
  ['instance', '0123456789abcdef'],
] as const;
const MAX_BATCH_BYTES = 1_048_576;

for (const flag of LEAN_FLAGS) setFlagsFromString(flag);
const loki = new URL('/loki/api/v1/push', process.env['LOKI_PUSH_ENDPOINT']);
const client = new UndiciClient(loki.origin, { headersTimeout: 0, bodyTimeout: 0 });
let batch = beginBatch();
let pushing = 0;
let invocationIsOver = false;

function beginBatch(): protobuf.Writer {
  return protobuf.Writer.create().uint32(10).fork().uint32(10).string(LABELS);
}

function take({ time, type, record }: LogRecord): void {
  if (type === 'platform.runtimeDone') invocationIsOver = true;
  if (type !== 'function') return;
  const ms = Date.parse(time);
  batch.uint32(18).fork();
  batch
    .uint32(10)
    .fork()
    .uint32(8)
    .int64(Math.floor(ms / 1_000))
    .uint32(16)
    .int32((ms % 1_000) * 1e6)
    .ldelim();
  batch.uint32(18).string(record.slice(0, -1));
  for (const [name, value] of METADATA) {
    batch.uint32(26).fork().uint32(10).string(name).uint32(18).string(value).ldelim();
  }
  batch.ldelim();
  if (batch.len > MAX_BATCH_BYTES) push();
}

function push(): void {
  const request = batch.ldelim().finish();
  batch = beginBatch();
  pushing++;
  const body = Buffer.from(snappy.compress(request));
  const headers = { 'content-type': 'application/x-protobuf' };
  client.dispatch(
    { path: loki.pathname, method: 'POST', headers, body },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {
        pushing--;
        askWhenDone();
      },
      onResponseError(_controller, error) {
        throw error;
      },
    },
  );
}

function askWhenDone(): void {
  if (!invocationIsOver || pushing > 0) return;
  invocationIsOver = false;
  askForNext();
}

createServer({ noDelay: true }, (socket) =>
  readMessages(socket, (body) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    for (const record of JSON.parse(body.toString()) as LogRecord[]) take(record);
    if (!invocationIsOver) return;
    push();
  }),
).listen(Number(process.env['LOKI_EXTENSION_PORT']));

/** Each has a Content-Length. */
function readMessages(socket: Socket, onMessage: (body: Buffer, head: string) => void): void {
  let pieces: Buffer[] = [];
  let wanted = Number.NaN;
  socket.on('data', (piece) => {
    pieces.push(piece);
    if (Number.isNaN(wanted)) {
      const start = Buffer.concat(pieces);
      pieces = [start];
      const headEnd = start.indexOf('\r\n\r\n') + 4;
      if (headEnd < 4) return;
      wanted = headEnd + Number(/content-length: *(\d+)/i.exec(start.toString('latin1', 0, headEnd))?.[1] ?? 0);
    }
    if (pieces.reduce((sum, { length }) => sum + length, 0) < wanted) return;
    const message = Buffer.concat(pieces);
    pieces = [];
    wanted = Number.NaN;
    const bodyStart = message.indexOf('\r\n\r\n') + 4;
    onMessage(message.subarray(bodyStart), message.toString('latin1', 0, bodyStart));
  });
}

const address = process.env['AWS_LAMBDA_RUNTIME_API'] ?? '';
const [host = '', port] = address.split(':');
const runtimeApi = connect({ host, port: Number(port), noDelay: true });
let extensionId = '';
let answers = 0;

readMessages(runtimeApi, (_body, head) => {
  answers++;
  if (answers === 1) {
    extensionId = /lambda-extension-identifier: *(.+)\r/i.exec(head)?.[1] ?? '';
    const URI = `http://sandbox.localdomain:${process.env['LOKI_EXTENSION_PORT']}/`;
    ask('PUT', '/2020-08-15/logs', JSON.stringify({ destination: { protocol: 'HTTP', URI } }));
  } else if (answers === 2) {
    askForNext();
  }
});
ask('POST', '/2020-01-01/extension/register', '{"events":["INVOKE","SHUTDOWN"]}');

function askForNext(): void {
  ask('GET', '/2020-01-01/extension/event/next', '');
}

function ask(method: string, path: string, body: string): void {
  const identity = `Lambda-Extension-Name: floor\r\nLambda-Extension-Identifier: ${extensionId}`;
  runtimeApi.write(
    `${method} ${path} HTTP/1.1\r\nHost: ${address}\r\n${identity}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}
