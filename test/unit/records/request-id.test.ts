import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIdAt, toRequestId } from '../../../src/records/request-id.ts';

const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';
const OTHER = '8D1F5A1E4C0E4C619D630F5C5CF2B1AB';

test('an id is found where it begins, with and without hyphens, again and again', () => {
  for (let round = 0; round < 2; round++) {
    for (const id of [ID, ID, OTHER, ID]) {
      assert.equal(requestIdAt(`id ${id}\tINFO`, 3), id);
      assert.equal(requestIdAt(id, 0), id);
      assert.equal(requestIdAt(`id ${id}`, 2), undefined);
    }
  }
});

test('an id may begin with any digit, in either case, and with nothing else', () => {
  for (const digit of '0123456789abcdefABCDEF') {
    for (const id of [ID, OTHER]) assert.equal(requestIdAt(digit + id.slice(1), 0), digit + id.slice(1));
  }
  // The neighbours of the digits and of the letters.
  for (const other of '/:@G`g\u0010\u0019') assert.equal(requestIdAt(other + ID.slice(1), 0), undefined, other);
});

test('what goes on behind the last digit is no id, also where the one before was just that', () => {
  for (const id of [ID, OTHER]) {
    assert.equal(requestIdAt(id, 0), id);
    for (const more of ['0', 'f', 'A', '-']) assert.equal(requestIdAt(id + more, 0), undefined, id + more);
    for (const end of ['', ' ', 'g', '_', 'é']) assert.equal(requestIdAt(id + end, 0), id, id + end);
  }
});

test('what is almost an id is none', () => {
  for (const text of [
    '',
    '8',
    ID.slice(0, -1),
    ID.replace('-', '_'),
    ID.replaceAll('-', ' '),
    `${ID.slice(0, 9)}${ID.slice(10)}`,
    OTHER.slice(1),
    ID.replace('8d', 'xd'),
  ]) {
    assert.equal(requestIdAt(text, 0), undefined, text);
  }
});

test('a field must be an id and nothing else', () => {
  assert.equal(toRequestId(ID), ID);
  for (const value of [`${ID} `, ` ${ID}`, `${ID}\n`, '', 7, null, undefined, [ID], 'r-1']) {
    assert.equal(toRequestId(value), undefined, String(value));
  }
});
