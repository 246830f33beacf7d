// Which word is a level in which place of a line, in upper case, in lower case and with a capital: most are everyday words too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toLevel } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const TIME = '2026-01-05T10:00:00.118Z';
const ID = '8d1f5a1e-4c0e-4c61-9d63-0f5c5cf2b1aa';

/** By the letter that stands for each in the table below. */
const PLACES: Readonly<Record<string, (word: string) => string>> = {
  T: (word) => `${TIME} ${word} hello there`,
  S: (word) => `${TIME} ${word} | hello`,
  t: (word) => `${TIME}\t${ID}\t${word}\thello`,
  B: (word) => `${TIME} [${word}] hello`,
  O: (word) => `[${word}] hello`,
  C: (word) => `${word}: hello`,
  A: (word) => `${word} hello`,
  N: (word) => `${word}: Orders.Worker[0]`,
};

/** The words, the places in which they are levels in the three ways of writing them, and what they mean. */
const WORDS = `
  error                            TStBOCAN -StBOC-N -StBOC-N error
  warning                          TStBOCAN -StBOC-N -StBOC-N warn
  warn                             TStBOCAN -StBOC-N -StBO--- warn
  info                             TStBOCAN -StBOC-N -StBO--- info
  debug                            TStBOCAN -StBOC-N -StBO--- debug
  fatal critical                   TStBOCAN -StBO--- -StBO--- fatal
  trace                            TStBOC-N -StBO--- -StBO--- trace
  verbose                          TStBOC-N -StBOC-N -StBO--- debug
  silly                            -StBO--- -StBOC-N -StBO--- trace
  information                      TStBO--- -StBO--- -StBO--- info
  notice                           TStB---- -StB---- -StB---- info
  success                          TStBO--- ---BO--- ---BO--- info
  log                              TSt----- -------- -------- info
  severe                           TStBOCAN ---B---- ---B---- error
  fine finer config                TStB---- -------- -------- debug
  finest                           TStB---- -------- -------- trace
  alert emerg emergency panic      TStB---- ---B---- ---B---- fatal
  crit                             TStB---- --tB---N ---B---- fatal
  fail                             --t----- --t----N -------- error
  lambda_warning                   -----C-N -------- -------- warn
  trce                             TStBO-A- -StBOC-N -StBO--- trace
  dbug                             TStBO-A- -StBOC-N -StBO--- debug
  trc trac                         TStBO-A- -StBO--- -StBO--- trace
  dbg debu vrb                     TStBO-A- -StBO--- -StBO--- debug
  inf                              TStBO-A- -StBO--- -StBO--- info
  wrn warni                        TStBO-A- -StBO--- -StBO--- warn
  err erro eror                    TStBO-A- -StBO--- -StBO--- error
  ftl fata criti pnc pani dpanic   TStBO-A- -StBO--- -StBO--- fatal
  http errors hello                -------- -------- -------- none
`;

const rows = WORDS.trim()
  .split('\n')
  .map((row) => row.trim().split(/\s+/));
const writings = (word: string) => [word.toUpperCase(), word, word.charAt(0).toUpperCase() + word.slice(1)];

for (const row of rows) {
  const [words, columns, level] = [row.slice(0, -4), row.slice(-4, -1), row.at(-1)];
  test(`${words.join(', ')} in each place: ${level}`, () => {
    for (const word of words) {
      for (const [index, written] of writings(word).entries()) {
        for (const [place, lineOf] of Object.entries(PLACES)) {
          const expected = columns[index]?.includes(place) ? level : undefined;
          assert.equal(inspectText(lineOf(written)).level, expected, lineOf(written));
        }
      }
    }
  });
}

test('as the value of a field each of the words is a level, however it is written', () => {
  for (const row of rows.slice(0, -1)) {
    for (const word of row.slice(0, -4)) {
      for (const written of [...writings(word), ` ${word}\t`, `${word}+2`, `${word.toUpperCase()}-123`]) {
        assert.equal(toLevel(written), row.at(-1), written);
      }
      assert.equal(toLevel(`${word}+1234`), undefined, 'more digits than a level has');
    }
  }
});
