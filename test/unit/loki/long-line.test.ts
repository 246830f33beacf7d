import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toByteString } from '../../../src/byte-string.ts';
import { splitLine } from '../../../src/loki/long-line.ts';
import { at, seededRandom } from '../../fakes/records.ts';

/** The parts as text; undefined when the line was not split. */
function split(line: string, maxBytes: number): string[] | undefined {
  return splitLine(toByteString(line), maxBytes)?.map((part) => Buffer.from(part, 'latin1').toString('utf8'));
}

const partsOf = (line: string, maxBytes: number) => split(line, maxBytes) ?? assert.fail('it was not split');

test('a line that fits is not split, to the byte', () => {
  assert.equal(split('x'.repeat(100), 100), undefined);
  assert.equal(split('é'.repeat(50), 100), undefined);
  assert.equal(split('', 4), undefined);
});

test('one byte more makes two parts', () => {
  assert.deepEqual(split('x'.repeat(101), 100), ['x'.repeat(100), 'x']);
});

test('an emoji at the border goes into the next part whole', () => {
  assert.deepEqual(split('abc🧀def', 5), ['abc', '🧀d', 'ef']);
  assert.deepEqual(split('🧀🧀🧀', 4), ['🧀', '🧀', '🧀']);
  assert.deepEqual(split('🧀🧀🧀', 7), ['🧀', '🧀', '🧀']);
});

test('parts of any text are within the limit, split no character, and put together are the line', () => {
  const random = seededRandom(1);
  const characters = ['a', 'é', '価', '🧀', '\n', '"', '\0', '‏', 'e\u0301'];
  for (let round = 0; round < 300; round++) {
    const line = Array.from({ length: Math.floor(random() * 60) }, () => at(characters, Math.floor(random() * 9))).join(
      '',
    );
    const maxBytes = 4 + Math.floor(random() * 30);
    const parts = split(line, maxBytes) ?? [line];
    assert.equal(parts.join(''), line);
    for (const part of parts) {
      assert.ok(Buffer.byteLength(part) <= maxBytes);
      assert.ok(!part.includes('\ufffd'));
    }
  }
});

test('a lone surrogate becomes a replacement character and costs nothing else', () => {
  const parts = partsOf(`ab\ud83ecd${'x'.repeat(20)}`, 8);
  assert.equal(parts.join(''), `ab\ufffdcd${'x'.repeat(20)}`);
  assert.equal(partsOf('\ud83e'.repeat(10), 4).join(''), '\ufffd'.repeat(10));
});

test('a line of several MiB is split at the limit of Loki', () => {
  const line = '0123456789abcdef'.repeat(196_608);
  const parts = partsOf(line, 262_144);
  assert.equal(parts.length, 12);
  assert.equal(parts.join(''), line);
});
