// The generated lines are what the floods claim to be: mixed, about 120 bytes, the same for the same seed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateLines, lineOfBytes } from '../../fakes/generate.ts';

test('generates the same lines for the same seed and others for another', () => {
  assert.deepEqual(generateLines(500, { seed: 7 }), generateLines(500, { seed: 7 }));
  assert.notDeepEqual(generateLines(500, { seed: 7 }), generateLines(500, { seed: 8 }));
});

test('mixes the forms of real functions at about 120 bytes a line', () => {
  const lines = generateLines(10_000, { requestId: 'r-1' });
  assert.equal(lines.length, 10_000);
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / lines.length;
  assert.ok(bytes > 105 && bytes < 135, `${bytes} bytes a line`);
  const share = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length / lines.length;
  assert.ok(share(/\tr-1\t(DEBUG|INFO|WARN|ERROR)\t/) > 0.2, 'Node text form');
  assert.ok(share(/^\{"level":/) > 0.1, 'JSON');
  assert.ok(share(/[^\0-\x7f]/) > 0.05, 'other scripts');
  assert.ok(share(/\n {4}at /) > 0.05, 'several lines in one record');
  const repeated = lines.filter((line, index) => line === lines[index - 1]).length / lines.length;
  assert.ok(repeated > 0.03 && repeated < 0.08, `${repeated} repeated`);
  assert.ok(lines.every((line) => line !== '' && line.isWellFormed()));
});

test('makes lines of an exact number of bytes', () => {
  for (const bytes of [4, 5, 6, 7, 1_000, 262_144, 262_145]) assert.equal(Buffer.byteLength(lineOfBytes(bytes)), bytes);
});
