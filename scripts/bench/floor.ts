// The floor: the least that an extension made of Node.js can do. It registers over a raw socket, subscribes, asks for the
// next event, and does nothing else. What it costs is what Node.js itself costs; the benchmarks measure against it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import { connect } from 'node:net';

const address = process.env['AWS_LAMBDA_RUNTIME_API'] ?? '';
const colon = address.lastIndexOf(':');
const host = address.slice(0, colon);
const name = process.execPath.slice(process.execPath.lastIndexOf('/') + 1);
const socket = connect({ host, port: Number(address.slice(colon + 1)), noDelay: true });
let extensionId = '';
let answers = 0;

socket.write(
  request(
    'POST',
    '/2020-01-01/extension/register',
    `Lambda-Extension-Name: ${name}`,
    '{"events":["INVOKE","SHUTDOWN"]}',
  ),
);
// The answers are small and come one at a time, each in one piece.
socket.on('data', (answer) => {
  answers++;
  if (answers === 1) {
    extensionId = /^lambda-extension-identifier: *(.+)\r$/im.exec(answer.toString('latin1'))?.[1] ?? '';
    const subscription = {
      schemaVersion: '2021-03-18',
      types: ['platform', 'function'],
      buffering: { maxItems: 10_000, maxBytes: 1_048_576, timeoutMs: 25 },
      destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:1234/' },
    };
    socket.write(request('PUT', '/2020-08-15/logs', identity(), JSON.stringify(subscription)));
  } else if (answers === 2) {
    socket.write(request('GET', '/2020-01-01/extension/event/next', identity()));
  }
});

function identity(): string {
  return `Lambda-Extension-Identifier: ${extensionId}`;
}

function request(method: string, path: string, header: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${address}\r\n${header}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
