// A Lambda runtime in a few lines: polls the Runtime API and does what the event says. Installed as /var/runtime/bootstrap.
// Event: { lines: [text to print], bytes: length of one more line, sleepMs, fail: message, exit: code }; answer: how many
// lines were printed. With AWS_LAMBDA_MAX_CONCURRENCY it polls that many times at once, as managed instances want it.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

'use strict';

const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: `/2018-06-01/runtime${path}` }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function handle(event) {
  const lines = [...(event.lines ?? [])];
  if (event.bytes) lines.push('x'.repeat(event.bytes));
  for (const line of lines) process.stdout.write(`${line}\n`);
  if (event.sleepMs) await sleep(event.sleepMs);
  if (event.exit !== undefined) process.exit(event.exit);
  if (event.fail) throw new Error(event.fail);
  return { printed: lines.length };
}

async function poll() {
  for (;;) {
    const { headers, text } = await call('GET', '/invocation/next');
    const id = headers['lambda-runtime-aws-request-id'];
    try {
      const answer = await handle(JSON.parse(text));
      await call('POST', `/invocation/${id}/response`, JSON.stringify(answer));
    } catch (error) {
      const failure = { errorType: error.name, errorMessage: error.message, stackTrace: [] };
      await call('POST', `/invocation/${id}/error`, JSON.stringify(failure));
    }
  }
}

const pollers = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY ?? 1);
Promise.all(Array.from({ length: pollers }, poll)).catch((error) => {
  console.error(error);
  process.exit(1);
});
