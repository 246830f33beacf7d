// The push of `check` and the look for its line, with a clock of their own and scripted answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryPush } from '../../../src/check/push.ts';
import { readBack } from '../../../src/check/read-back.ts';
import { parseConfig } from '../../../src/config/config.ts';
import type { Endpoint } from '../../../src/config/endpoint.ts';
import { diagnosePush } from '../../../src/diagnosis/diagnosis.ts';
import type { Tools } from '../../../src/late/tools.ts';
import type { PushOutcome } from '../../../src/loki/answer.ts';
import { ACCEPTED, TARGET } from '../../fakes/doubles.ts';
import { FakeClock, START_MS } from '../../fakes/fake-clock.ts';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Answer = { readonly status: number; readonly text: string } | Error;

const NONCE = '0123456789abcdef';
const FOUND = { status: 200, text: `{"values":[["1","aws-lambda-loki-extension check ${NONCE}"]]}` };
const EMPTY = { status: 200, text: '{"values":[]}' };

function endpointOf(url: string, more: Partial<Endpoint> = {}): Endpoint {
  return { url, authorization: undefined, tenantId: undefined, headers: {}, ...more };
}

function setUp(answers: readonly Answer[], outcomes: readonly PushOutcome[] = []) {
  const clock = new FakeClock();
  const asked: Request[] = [];
  const pushed: { withMetadata: boolean; text: string; functionName: string; body: string }[] = [];
  const tools = {
    clock,
    diagnosePush,
    send: () => async (make: () => Request) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(make());
      if (answer === undefined || answer instanceof Error) throw answer;
      return answer;
    },
    lineToPush(config: { structuredMetadata: boolean }, identity: { functionName: string }, text: string) {
      const line = { withMetadata: config.structuredMetadata, text, functionName: identity.functionName };
      pushed.push({ ...line, body: '' });
      return Buffer.from(JSON.stringify(line));
    },
    openClient: () => ({
      push: async () => outcomes[Math.min(pushed.length, outcomes.length) - 1],
    }),
  } as unknown as Tools;
  return { clock, asked, pushed, tools };
}

async function look(answers: readonly Answer[], endpoint = endpointOf('https://loki.example.com/loki/api/v1/push')) {
  const { clock, asked, tools } = setUp(answers);
  const step = await clock.until(readBack(endpoint, {}, NONCE, 'test/1', TARGET, tools));
  return { step, asked, afterMs: clock.now() - START_MS };
}

test('Loki is asked for the hour around now, for our stream and the nonce, as the endpoint is spoken to', async () => {
  const { step, asked } = await look(
    [FOUND],
    endpointOf('https://loki.example.com/team/loki/api/v1/push?key=1', {
      authorization: 'Basic abc',
      tenantId: 'team-a',
      headers: { 'x-one': '1' },
    }),
  );
  assert.deepEqual(step, { step: 'read back', status: 'ok', text: 'the line is there', tookMs: 0 });
  const { method, url, headers } = asked[0] as Request;
  const { origin, pathname, searchParams } = new URL(url);
  assert.deepEqual([method, origin, pathname], ['GET', 'https://loki.example.com', '/team/loki/api/v1/query_range']);
  assert.deepEqual(Object.fromEntries(searchParams), {
    key: '1',
    query: `{source="lambda", type="extension"} |= "${NONCE}"`,
    start: `${START_MS - 3_600_000}000000`,
    end: `${START_MS + 3_600_000}000000`,
    limit: '1',
  });
  assert.deepEqual(headers, {
    'x-one': '1',
    'user-agent': 'test/1',
    authorization: 'Basic abc',
    'x-scope-orgid': 'team-a',
  });
});

test('VictoriaLogs is asked in its own language, and nothing is sent that is not set', async () => {
  const { step, asked } = await look([FOUND], endpointOf('http://vl:9428/a/insert/loki/api/v1/push?x=1'));
  assert.equal(step.status, 'ok');
  const { origin, pathname, searchParams } = new URL(asked[0]?.url ?? '');
  assert.deepEqual([origin, pathname], ['http://vl:9428', '/a/select/logsql/query']);
  assert.deepEqual(Object.fromEntries(searchParams), { query: `_time:1h "${NONCE}"`, limit: '1' });
  assert.deepEqual(asked[0]?.headers, { 'user-agent': 'test/1' });
});

test('a line that is not there yet is looked for again until it is', async () => {
  const { step, asked, afterMs } = await look([EMPTY, { status: 503, text: '' }, { status: 429, text: '' }, FOUND]);
  assert.equal(step.status, 'ok');
  assert.deepEqual([asked.length, step.tookMs, afterMs], [4, 1_200, 1_200]);
});

test('a line that does not come within ten seconds has failed to', async () => {
  const { step, asked, afterMs } = await look([EMPTY]);
  assert.equal(step.status, 'failed');
  assert.equal(step.id, 'not_read_back');
  assert.deepEqual([asked.length, afterMs], [25, 10_000]);
});

for (const [what, answer, said] of [
  ['no right to read', { status: 401, text: '' }, 'these credentials may not read (401)'],
  ['no right to read', { status: 403, text: '' }, 'these credentials may not read (403)'],
  ['no query API', { status: 404, text: '' }, 'there is no query API beside the push address (404)'],
  ['another method', { status: 405, text: FOUND.text }, 'there is no query API beside the push address (405)'],
  ['no answer', new Error('reset'), 'the query got no answer'],
] as const) {
  test(`${what} is no failure: ${said}`, async () => {
    const { step, asked } = await look([answer]);
    assert.deepEqual(step, {
      step: 'read back',
      status: 'skipped',
      text: `${said}: whether the line is there was not seen`,
    });
    assert.equal(asked.length, 1);
  });
}

test('a web page that repeats the question is no answer', async () => {
  const { step } = await look([{ status: 200, text: ` <html>check ${NONCE}</html>` }]);
  assert.equal(step.status, 'failed');
});

test('where the path is nobody knows whose, nothing is asked', async () => {
  const { step, asked } = await look([FOUND], endpointOf('https://gateway.example.com/logs'));
  assert.deepEqual([step.status, asked.length], ['skipped', 0]);
  assert.match(step.text, /nobody knows where to query/);
});

async function push(outcomes: readonly PushOutcome[], env: Readonly<Record<string, string>> = {}) {
  const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: 'https://gateway.example.com/logs', ...env });
  const endpoint = config.endpoint as Endpoint;
  const { clock, pushed, tools } = setUp([], outcomes);
  const trial = { config, endpoint, way: {}, target: TARGET, userAgent: 'test/1', tools };
  return { steps: await clock.until(tryPush(trial)), pushed };
}

test('one line is pushed, with a nonce, under the name of the function or of none', async () => {
  const { steps, pushed } = await push([ACCEPTED]);
  assert.deepEqual(
    steps.map(({ step, status }) => [step, status]),
    [
      ['push', 'ok'],
      ['read back', 'skipped'],
    ],
  );
  assert.equal(pushed.length, 1);
  const [, nonce] = /^aws-lambda-loki-extension check ([0-9a-f]{16})$/.exec(pushed[0]?.text ?? '') ?? [];
  assert.equal(steps[0]?.text, `a line with ${nonce} was accepted: 204`);
  assert.deepEqual([pushed[0]?.withMetadata, pushed[0]?.functionName], [true, 'aws-lambda-loki-extension-check']);
  const named = await push([ACCEPTED], { AWS_LAMBDA_FUNCTION_NAME: 'orders-api', LOKI_STRUCTURED_METADATA: 'false' });
  assert.deepEqual([named.pushed[0]?.withMetadata, named.pushed[0]?.functionName], [false, 'orders-api']);
});

test('a Loki that takes no metadata is a warning, and the line goes without', async () => {
  const { steps, pushed } = await push([{ kind: 'metadata_disallowed', detail: '400 not allowed' }, ACCEPTED]);
  assert.deepEqual(
    pushed.map(({ withMetadata }) => withMetadata),
    [true, false],
  );
  assert.deepEqual(
    steps.map(({ step, status }) => [step, status]),
    [
      ['push', 'warn'],
      ['push', 'ok'],
      ['read back', 'skipped'],
    ],
  );
});

test('an odd acceptance is one, with a warning', async () => {
  const { steps } = await push([{ kind: 'accepted', status: 202, odd: 'status' }]);
  assert.deepEqual(
    steps.map(({ status }) => status),
    ['warn', 'ok', 'skipped'],
  );
});

test('a push that fails is the last step, with its diagnosis', async () => {
  const { steps, pushed } = await push([{ kind: 'failed', status: 503, detail: '503 no healthy upstream' }]);
  assert.deepEqual([steps.length, pushed.length], [1, 1]);
  assert.deepEqual([steps[0]?.status, typeof steps[0]?.remedy], ['failed', 'string']);
});
