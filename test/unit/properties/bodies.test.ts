// Any body: the quick reader and the thorough one find the same, what they find is what was written, and nothing makes
// them throw.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toByteString } from '../../../src/byte-string.ts';
import { createBodyQueue } from '../../../src/records/body-queue.ts';
import { isJson } from '../../../src/records/json-text.ts';
import type { LogRecord } from '../../../src/records/record.ts';
import { property } from '../../fakes/properties.ts';

interface Reading {
  readonly lines: readonly string[];
  readonly lost: number;
}

function read(...bodies: readonly Buffer[]): Reading {
  const queue = createBodyQueue();
  const lines: string[] = [];
  let lost = 0;
  for (const body of bodies) queue.add(Buffer.from(body));
  const take = (record: LogRecord) => void lines.push(Buffer.from(record.line, 'latin1').toString());
  while (queue.waitingBodies() > 0) {
    queue.read(3, take, (_reason, records) => {
      lost += records;
    });
  }
  return { lines, lost: lost + queue.giveUpHead() };
}

/** What hurts readers of JSON. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        ' ',
        '\n',
        '\r\n',
        '\t',
        '\0',
        'ü',
        '価',
        '🧀',
        '\ud83e',
      ),
      fc.constantFrom('"},{"time":"', '","type":"function","record":"', '"}]', '\\u00fc', '\\"', '},{'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n');

const escapes: readonly ((json: string) => string)[] = [
  (json) => json,
  (json) => json.replaceAll(/[<>&ü]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  (json) => json.replaceAll('/', '\\/'),
];
const jsonText = fc.tuple(text, fc.constantFrom(...escapes)).map(([value, write]) => write(JSON.stringify(value)));

/** JSON as anybody may write it: odd numbers, doubled keys, blanks. */
const { json } = fc.letrec<{ json: string; list: string; object: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('null', 'true', 'false', '0', '-0.0', '1E400', '12345678901234567890', '1.10', '""', '[]', '{}'),
    jsonText,
    tie('list'),
    tie('object'),
  ),
  list: fc
    .array(fc.tuple(blank, tie('json'), blank), { maxLength: 4 })
    .map((values) => `[${values.map((parts) => parts.join('')).join(',')}]`),
  object: fc
    .array(
      fc.tuple(blank, fc.oneof(fc.constantFrom('"time"', '"type"', '"record"', '"a"'), jsonText), blank, tie('json')),
      {
        maxLength: 4,
      },
    )
    .map(
      (fields) =>
        `{${fields.map(([before, key, after, value]) => `${before}${key}${after}:${before}${value}`).join(',')}}`,
    ),
}));

interface Written {
  readonly element: string;
  readonly line: string;
}

const time = fc.constantFrom('2026-01-05T10:00:00.118Z', '2026-01-05T10:00:00Z', '', 'x');
const type = fc.constantFrom('function', 'function', 'extension', 'platform.report', 'new');

/** An element as the platform writes it, or with a blank, and the line that must come of it. */
const record: fc.Arbitrary<Written> = fc
  .tuple(time, type, fc.oneof(jsonText, json), blank)
  .map(([stated, kind, value, space]) => {
    const element = `{"time":"${stated}","type":"${kind}","record":${space}${value}}`;
    if (kind !== 'function' && kind !== 'extension') return { element, line: element };
    return {
      element,
      line: value.startsWith('"')
        ? JSON.parse(value)
            .replace(/\r?\n$/, '')
            .toWellFormed()
        : value,
    };
  });
const anything: fc.Arbitrary<Written> = json
  .filter((element) => !/"(?:function|extension)"|\\u/.test(element))
  .map((element) => ({ element, line: element.toWellFormed() }));

const elements = fc.array(fc.oneof({ weight: 4, arbitrary: record }, anything), { maxLength: 6 });
const bodyOf = (written: readonly Written[], space: string) =>
  Buffer.from(`[${written.map(({ element }) => space + element + space).join(',')}]`);

property(
  'every element of a body becomes the line that was written, in order',
  fc.tuple(elements, blank),
  ([written, space]) => {
    const expected = written.map(({ line }) => line);
    assert.deepEqual(read(bodyOf(written, space)), { lines: expected, lost: 0 });
  },
);

property('what is written in one way and in another is read the same', elements, (written) => {
  // A blank in front sends the body to the thorough reader.
  assert.deepEqual(read(bodyOf(written, '')), read(bodyOf(written, ' ')));
});

property('JSON is what JSON.parse takes for it', fc.oneof(json, text), (candidate) => {
  let isParsed = true;
  try {
    JSON.parse(candidate);
  } catch {
    isParsed = false;
  }
  assert.equal(isJson(toByteString(candidate)), isParsed);
});

property(
  'a body with one byte changed loses no more than the elements around it, and the next body is whole',
  fc.tuple(fc.array(record, { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(255), fc.boolean()),
  ([written, place, byte, isCut]) => {
    const body = bodyOf(written, '');
    const at = place % body.length;
    const changed = isCut ? body.subarray(0, at) : Buffer.from(body);
    if (!isCut) changed[at] = byte;
    const next = Buffer.from('[{"time":"2026-01-05T10:00:00.118Z","type":"x","record":"next"}]');
    const { lines, lost } = read(changed, next);
    assert.ok(lines.at(-1)?.includes('"next"') || lost > 0);
    assert.ok(lost <= written.length + 1);
  },
);

property(
  'bytes of any kind are read to their end',
  fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
  (bodies) => {
    const { lines, lost } = read(...bodies.map((bytes) => Buffer.from(bytes)));
    assert.ok(lines.length + lost >= 0);
  },
);

property(
  'a record that was cut anywhere in a text is put together again',
  fc.tuple(text, fc.nat(), fc.nat(), fc.array(record, { maxLength: 2 }), fc.boolean()),
  ([value, first, second, neighbours, inOne]) => {
    // Behind a backslash, or where what follows looks like an envelope, nobody can tell.
    const bytes = Buffer.from(JSON.stringify(`x${value.replaceAll(/[^ :\p{L}\p{So}]/gu, '-')}y`));
    const cuts = [1 + (first % (bytes.length - 1)), 1 + (second % (bytes.length - 1))].sort((a, b) => a - b);
    const pieces = [bytes.subarray(0, cuts[0]), bytes.subarray(cuts[0], cuts[1]), bytes.subarray(cuts[1])];
    const envelopes = pieces
      .filter((piece) => piece.length > 0)
      .map((piece) => Buffer.concat([Buffer.from('{"time":"t","type":"function","record":'), piece, Buffer.from('}')]));
    const list = (parts: readonly Buffer[]) =>
      Buffer.concat([
        Buffer.from('['),
        ...parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(','), part])),
        Buffer.from(']'),
      ]);
    const before = neighbours.map(({ element }) => Buffer.from(element));
    const bodies = inOne
      ? [list([...before, ...envelopes])]
      : envelopes.map((envelope, index) => list(index === 0 ? [...before, envelope] : [envelope]));
    const { lines, lost } = read(...bodies);
    assert.equal(lost, 0);
    assert.equal(lines.at(-1), JSON.parse(bytes.toString()));
    assert.equal(lines.length, neighbours.length + 1);
  },
);
