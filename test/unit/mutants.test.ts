// The faults that `make mutants` puts in: in code alone, each in one place, and each another text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { test } from 'node:test';
import { mutantsOf, withMutant } from '../mutants/operators.ts';

const changesOf = (line: string) => mutantsOf(line).map(({ after }) => after);

test('a line of code has faults of each kind that fits', () => {
  assert.deepEqual(changesOf('const MAX_BYTES = 64 * 1024;'), [
    'const MAX_BYTES = (64 * 2) * 1024;',
    'const MAX_BYTES = 64 * (1024 * 2);',
  ]);
  assert.deepEqual(changesOf('  if (used >= left && !full) return;'), [
    '  ;',
    '  if (used > left && !full) return;',
    '  if (used >= left || !full) return;',
    '  if (used >= left && full) return;',
  ]);
  assert.deepEqual(changesOf("  ledger.dropped('one', 2);"), ['  ;', "  ledger.dropped('one', (2 + 1));"]);
});

test('comments, imports, types and text in quotes are left alone', () => {
  const lines = [
    '// 1 < 2',
    ' * 3 && 4',
    "import { a } from './1.ts';",
    'interface A {',
    '  b: 1 | 2;',
    '}',
    "const c = '1 < 2';",
  ];
  assert.deepEqual(mutantsOf(lines.join('\n')), []);
});

test('nearly all faults can be read as TypeScript', () => {
  const text = readFileSync(new URL('../../src/loki/queue.ts', import.meta.url), 'utf8');
  const mutants = mutantsOf(text);
  const isReadable = (mutated: string) => {
    try {
      return stripTypeScriptTypes(mutated) !== '';
    } catch {
      return false;
    }
  };
  assert.ok(mutants.length > 50);
  assert.ok(mutants.filter((mutant) => isReadable(withMutant(text, mutant))).length > 0.95 * mutants.length);
  for (const mutant of mutants) assert.notEqual(withMutant(text, mutant), text);
});
