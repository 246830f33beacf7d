// `make demo` as a new user meets it: all is well, or it says what is not.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

async function runDemo(settings: Readonly<Record<string, string>>) {
  const script = path.join(import.meta.dirname, '../../scripts/demo.ts');
  const { EXTENSION_EXECUTABLE } = process.env;
  const env = { ...(EXTENSION_EXECUTABLE && { EXTENSION_EXECUTABLE }), ...settings };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const printed = await text(child.stdout);
  assert.deepEqual(
    printed.split('\n').filter((line) => line.length > 80),
    [],
    'fits a terminal of 80 columns',
  );
  return { exitCode: await closed, printed };
}

test('the demo shows what the extension said, and that every line arrived', async () => {
  const { exitCode, printed } = await runDemo({});
  assert.equal(exitCode, 0, printed);
  assert.match(printed, /^ {2}info: started version=/m);
  assert.match(printed, /^ {2}Every line arrived exactly once, unchanged and in order\.$/m);
});

test('the demo goes straight to the endpoint that is named, and says FAILED and why when nothing arrives', async () => {
  const endpoint = 'https://user:canary-word@loki.invalid';
  const { exitCode, printed } = await runDemo({ LOKI_PUSH_ENDPOINT: endpoint, LOKI_FLUSH_TIMEOUT_MS: '100ms' });
  assert.equal(exitCode, 1, printed);
  assert.match(printed, /^ {2}FAILED: Loki accepted 0 of \d+ lines and events$/m);
  assert.match(printed, /^ {2}FAILED {2}name {9}Loki cannot be reached:/m);
  assert.doesNotMatch(printed, /canary/);
});
