// Any structured metadata: written by hand it is what the library makes of it, byte for byte.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeAnyMetadata, encodeMetadata } from '../../../src/loki/encode.ts';
import { property } from '../../fakes/properties.ts';

const value = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 140 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  // Half of a character.
  fc.constantFrom('\ud800', 'a\udc00b', undefined),
);
const name = fc.oneof(fc.constantFrom('request_id', 'trace_id', 'level'), fc.string({ maxLength: 20 }));

property('metadata written by hand is what the library writes', fc.dictionary(name, value), (metadata) => {
  assert.deepEqual(encodeMetadata(metadata), encodeAnyMetadata(metadata));
});
