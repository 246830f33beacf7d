// The addresses of a host, from a name server that a test plays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddresses, isUnknownName } from '../../../src/net/addresses.ts';
import { FakeClock, START_MS } from '../../fakes/fake-clock.ts';

const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code });

/** Each question is answered by the next of these; `silence` is no answer. */
function setUp(...answers: readonly (readonly string[] | Error | 'silence')[]) {
  const clock = new FakeClock();
  let asked = 0;
  const addresses = createAddresses('loki.example.com', clock, async () => {
    const answer = answers[asked++];
    if (answer === 'silence') return new Promise(() => {});
    if (answer instanceof Error) throw answer;
    return [...(answer ?? [])];
  });
  return { clock, addresses, asked: () => asked };
}

test('an address is its own, and nobody is asked', async () => {
  for (const host of ['10.0.0.1', 'fd00::1']) {
    const addresses = createAddresses(host, new FakeClock(), () => Promise.reject(new Error('asked')));
    assert.deepEqual(await addresses.find(), [host]);
  }
});

test('the address that was reached comes first, as long as it is there', async () => {
  const { addresses } = setUp(['10.0.0.1', '10.0.0.2', '10.0.0.3'], ['10.0.0.3', '10.0.0.1', '10.0.0.2'], ['10.0.0.9']);
  assert.deepEqual(await addresses.find(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  addresses.reached('10.0.0.2');
  assert.deepEqual(await addresses.find(), ['10.0.0.2', '10.0.0.3', '10.0.0.1']);
  assert.deepEqual(await addresses.find(), ['10.0.0.9']);
});

test('while the name server is silent, or in trouble, what is known is used again', async () => {
  const { addresses, clock } = setUp(['10.0.0.1'], failure('EAI_AGAIN'), 'silence');
  await addresses.find();
  assert.deepEqual(await addresses.find(), ['10.0.0.1']);
  const found = addresses.find();
  assert.deepEqual(await clock.until(found), ['10.0.0.1']);
  assert.equal(clock.now() - START_MS, 1_000);
  assert.deepEqual(await clock.until(addresses.find()), ['10.0.0.1'], 'and again');
  assert.equal(clock.pendingTimers, 0);
});

test('one lookup at a time: each that hangs would keep a thread', async () => {
  const { addresses, asked, clock } = setUp('silence');
  void addresses.find();
  void addresses.find();
  await clock.advance(60_000);
  assert.equal(asked(), 1);
});

test('a name that is not there any more is not found, whatever it was', async () => {
  const { addresses } = setUp(['10.0.0.1'], failure('ENOTFOUND'), ['10.0.0.2']);
  await addresses.find();
  await assert.rejects(addresses.find(), { code: 'ENOTFOUND' });
  assert.deepEqual(await addresses.find(), ['10.0.0.2']);
});

test('with nothing known the trouble of the name server is told, and it is asked again', async () => {
  const { addresses } = setUp(failure('EAI_AGAIN'), ['10.0.0.1']);
  await assert.rejects(addresses.find(), { code: 'EAI_AGAIN' });
  assert.deepEqual(await addresses.find(), ['10.0.0.1']);
});

test('a name without an address is as unknown as one that is not there, and any other trouble is not', async () => {
  for (const [code, isUnknown] of [
    ['ENOTFOUND', true],
    ['ENODATA', true],
    ['EAI_AGAIN', false],
  ] as const) {
    assert.equal(isUnknownName(failure(code)), isUnknown);
    const { addresses } = setUp(['10.0.0.1'], failure(code));
    await addresses.find();
    const again = addresses.find();
    if (isUnknown) await assert.rejects(again, { code });
    else assert.deepEqual(await again, ['10.0.0.1']);
  }
  assert.equal(isUnknownName({ code: 'ENOTFOUND' }), false);
});
