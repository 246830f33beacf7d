// Canaries: every kind of secret, and a log line, is echoed by a Loki that repeats it wherever an answer can hold anything and in each form, at
// the most talkative level. None of them may be printed.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { createBench } from '../fakes/extension.ts';
import { assertUnharmed } from './support/expect.ts';

const LINE = 'canary-line-4447 <of> "the" function';
const secrets: Readonly<Record<string, string>> = {
  password: 'canary-pass "word"/8262+é',
  userInfo: 'canary-login-5131',
  userInfoPassword: 'canary-word-6242',
  header: 'canary-key-9353',
  query: 'canary-query-7777',
  bearer: 'canary-token-1424',
};
const basic = Buffer.from(`canary-user-7471:${secrets['password']}`).toString('base64');
const canaries = [...Object.values(secrets), `Basic ${basic}`, `canary-user-7471:${secrets['password']}`, LINE];

const forms: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  percent: encodeURIComponent,
  json: (text) => JSON.stringify({ error: text }),
};

/** Where an answer can repeat something. Heads are Latin-1, and hold no line breaks. */
const answers: Readonly<Record<string, (echo: string) => string>> = {
  'the reason of a status': (echo) => `HTTP/1.1 500 ${echo}\r\nContent-Length: 0\r\n\r\n`,
  'a header': (echo) =>
    `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="${echo}"\r\nContent-Length: 0\r\n\r\n`,
  'a body': (echo) => withBody(400, echo),
  'a body in known words': (echo) =>
    withBody(429, `ingestion rate limit exceeded for user ${echo} (limit: 5 bytes/sec)`),
  'a place': (echo) =>
    `HTTP/1.1 302 Found\r\nLocation: https://other.example.com/${echo}?x=${echo}\r\nContent-Length: 0\r\n\r\n`,
  'a title': (echo) => withBody(503, `<html><head><title>${echo}</title></head><body>${echo}</body></html>`),
  'what is no HTTP': (echo) => `220 ${echo} ready\r\n`,
};

function withBody(status: number, body: string): string {
  return `HTTP/1.1 ${status} Status\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

suite('canaries', { concurrency: 2 }, () => {
  for (const [where, answer] of Object.entries(answers)) {
    for (const auth of ['basic', 'bearer'] as const) {
      test(`prints no secret and no line that ${where} repeats, with ${auth} auth`, async (t) => {
        // A title may hold anything: of a web page it is what is shown, so no line is looked for in it.
        const looked = canaries
          .filter((canary) => where !== 'a title' || canary !== LINE)
          .filter((canary) => auth === 'bearer' || canary !== secrets['bearer']);
        const echoes = looked.flatMap((canary) => Object.values(forms).map((form) => form(canary)));
        let count = 0;
        const server = createServer((socket) => {
          socket.on('error', () => {});
          socket.on('data', () => socket.end(answer(echoes[count++ % echoes.length] ?? ''), 'utf8'));
        });
        await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
        t.after(() => server.close());
        const address = server.address();
        const port = typeof address === 'object' ? address?.port : 0;
        const { emulator } = await createBench(t, {
          endpoint: () =>
            `http://${secrets['userInfo']}:${secrets['userInfoPassword']}@127.0.0.1:${port}/push?key=${secrets['query']}`,
          environment: {
            LOKI_USERNAME: 'canary-user-7471',
            LOKI_PASSWORD: secrets['password'],
            LOKI_BEARER_TOKEN: auth === 'bearer' ? secrets['bearer'] : undefined,
            LOKI_HEADERS: JSON.stringify({ 'X-Api-Key': secrets['header'] }),
            LOKI_EXTENSION_LOG_LEVEL: 'trace',
            LOKI_RETRY_MIN_BACKOFF_MS: '1',
            LOKI_RETRY_MAX_BACKOFF_MS: '2',
          },
        });
        await emulator.start();
        for (let index = 0; index < 12; index++) await emulator.invoke({ lines: [LINE] });
        await emulator.shutdown();
        assertUnharmed(emulator);
        assert.notEqual(emulator.output, '');
        const printed = emulator.output.toLowerCase();
        assert.ok(!printed.includes('canary'), emulator.output);
        for (const echo of echoes) {
          // The last characters of base64 depend on what comes behind.
          const seen = echo.replace(/=+$/, '').slice(0, -1).toLowerCase();
          assert.ok(!printed.includes(seen), `${echo}: ${emulator.output}`);
        }
      });
    }
  }
});
