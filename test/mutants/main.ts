// Tests of the tests: puts small faults into a copy of src, one at a time, and runs the unit and integration tests that reach the file,
// the nearest first, until one fails. Prints each fault that none has noticed; some of them change nothing that matters.
// usage: make mutants [MINUTES=30] [FILES=src/a.ts,src/b.ts] [SEED=1]    Not part of CI: it takes as long as it is given.

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '../fakes/generate.ts';
import { type Mutant, mutantsOf, withMutant } from './operators.ts';

const { MINUTES = '30', FILES = '', SEED = '1' } = process.env;
const ROOT = path.join(import.meta.dirname, '..', '..');
/** Files of tests that one fault is shown to: who is further away says little of it. */
const MAX_TESTS = 16;
/** A test that runs for longer is one that the fault keeps from ending. */
const MAX_TEST_MS = 60_000;

interface Candidate {
  readonly file: string;
  /** Of the file as it is: it may be worked on meanwhile. */
  readonly text: string;
  readonly mutant: Mutant;
}

function main(): number {
  const files = FILES === '' ? globSync('src/**/*.ts', { cwd: ROOT }) : FILES.split(',');
  const random = seededRandom(Number(SEED));
  const candidates: readonly Candidate[] = files
    .map((file) => ({ file, text: textOf(file) }))
    .flatMap(({ file, text }) => mutantsOf(text).map((mutant) => ({ file, text, mutant, order: random() })))
    .sort((one, other) => one.order - other.order);
  const tests = testsByDistance();
  const copy = copyProject();
  process.on('SIGINT', () => process.exit(130));
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
  const endMs = Date.now() + 60_000 * Number(MINUTES);
  /** Of tests that have failed once: whether they need a process of their own. */
  const isolated = new Map<string, boolean>();
  const survivors: Candidate[] = [];
  let tried = 0;
  for (const candidate of candidates) {
    if (Date.now() > endMs) break;
    const { file, text, mutant } = candidate;
    const mutated = withMutant(text, mutant);
    if (!isReadable(mutated)) continue;
    tried++;
    const write = (content: string) => writeFileSync(path.join(copy, file), content);
    write(mutated);
    const isNoticed = tests(file).some((test) => {
      if (isolated.get(test)) return !passes(copy, test, 'process');
      if (passes(copy, test, 'none')) return false;
      if (isolated.has(test)) return true;
      // A few tests need a process of their own, and would fail whatever the fault is.
      write(text);
      const isIsolated = !passes(copy, test, 'none');
      isolated.set(test, isIsolated);
      write(mutated);
      return !isIsolated || !passes(copy, test, 'process');
    });
    write(text);
    if (isNoticed) continue;
    survivors.push(candidate);
    process.stdout.write(`${file}:${mutant.line}\n  - ${mutant.before.trim()}\n  + ${mutant.after.trim()}\n`);
  }
  const noticed = tried - survivors.length;
  process.stdout.write(`${noticed} of ${tried} faults were noticed, of ${candidates.length} that there are\n`);
  return 0;
}

function textOf(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** Everything but what is built: tests read the README and others too. */
function copyProject(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'mutants-'));
  const isLeftOut = /^(?:node_modules|bin|\.git|\.cache)(?:$|\/)/;
  cpSync(ROOT, copy, { recursive: true, filter: (from) => !isLeftOut.test(path.relative(ROOT, from)) });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

/** Tests of a room say more of its files than others that are a step nearer. */
const ROOM_BONUS = 2;

/** @returns the files of tests that import a file, directly or not, the nearest first; of equally near ones the namesake */
function testsByDistance(): (file: string) => readonly string[] {
  const importers = new Map<string, string[]>();
  for (const file of globSync(['src/**/*.ts', 'test/{unit,integration,fakes}/**/*.ts'], { cwd: ROOT })) {
    const text = textOf(file);
    const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, id = '']) =>
      path.join(path.dirname(file), id),
    );
    // A program that tests start.
    if (text.includes("'src', 'main.ts'")) imported.push('src/main.ts');
    for (const each of imported) importers.set(each, [...(importers.get(each) ?? []), file]);
  }
  return (file) => {
    const distances = new Map([[file, 0]]);
    for (const [reached, distance] of distances) {
      for (const importer of importers.get(reached) ?? []) {
        if (!distances.has(importer)) distances.set(importer, distance + 1);
      }
    }
    const name = path.basename(file, '.ts');
    const room = path.join('test/unit', path.relative('src', path.dirname(file)));
    const rank = (test: string) =>
      (distances.get(test) ?? 0) -
      (path.basename(test).startsWith(name) ? 1 : 0) -
      (path.dirname(test) === room ? ROOM_BONUS : 0);
    const tests = [...distances.keys()].filter((reached) => reached.endsWith('.test.ts'));
    return tests.sort((one, other) => rank(one) - rank(other)).slice(0, MAX_TESTS);
  };
}

function isReadable(text: string): boolean {
  try {
    stripTypeScriptTypes(text);
    return true;
  } catch {
    return false;
  }
}

function passes(copy: string, test: string, isolation: 'none' | 'process'): boolean {
  const { status } = spawnSync(process.execPath, ['--test', `--test-isolation=${isolation}`, test], {
    cwd: copy,
    stdio: 'ignore',
    timeout: MAX_TEST_MS,
    // Whoever goes in circles hears nothing else.
    killSignal: 'SIGKILL',
    env: { ...process.env, PROPERTY_SEED: '1', NODE_TEST_CONTEXT: undefined, NODE_NO_WARNINGS: '1' },
  });
  return status === 0;
}

process.exitCode = main();
