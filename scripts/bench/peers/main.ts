// Runs this extension and the others that are named in the environment through the same cases and measurements, prints the
// tables and writes docs/comparison.md. Nothing here is a test: whoever loses, the program ends with 0.
// usage: node scripts/bench/peers/main.ts, with these in the environment:
//   PEER_LOAFOE=, PEER_LAMBDAWATCH=  paths of their executables; one that is not given is left out, without any it exits 3
//   PEER_LOAFOE_VERSION=, PEER_LAMBDAWATCH_VERSION=  their revisions, for the report

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../build/toolchain.ts';
import { describeRun } from '../machine.ts';
import { type Figure, measureMemory, measureSize, measureStart } from './figures.ts';
import { measureFlood, measureHeld, measureWire } from './load-figures.ts';
import { recordCases } from './record-cases.ts';
import { caseRows, figureRows, type Judged, printTable, toMarkdown } from './report.ts';
import { ownSubjects, type Rivals, rivalsFrom, type Subject } from './subjects.ts';
import { type Case, tryCase } from './trial.ts';
import { troubleCases } from './trouble-cases.ts';

const { given, missing } = readRivals();
if (given.length === 0) {
  console.error('nothing to compare with: name an executable in PEER_LAMBDAWATCH or PEER_LOAFOE');
  process.exit(3);
}
for (const { name, variable } of missing) console.log(`${name} is left out: ${variable} is not given`);

const startedAt = new Date();
const run = describeRun(startedAt, { runs: 0, base: undefined });
mkdirSync(path.join(root, '.cache'), { recursive: true });
const folder = mkdtempSync(path.join(root, '.cache/peers-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const subjects = [...ownSubjects(run.revision), ...given].map(withCopy);

const figures: Figure[] = [];
for (const measure of [measureStart, measureMemory, measureSize, measureHeld, measureWire]) {
  const taken = await measure(subjects);
  figures.push(...taken);
  printTable('', figureRows(subjects, taken));
}
const flood = await measureFlood(subjects);
figures.push(...flood.figures);
printTable('', figureRows(subjects, flood.figures));

const cases: Judged[] = [];
for (const test of recordCases) cases.push(await judge(test));
cases.push({
  title: 'Burst of 100,000 lines',
  about:
    'One invocation prints 100,000 mixed lines (12 MB) at once, the function has 128 MB. The sandbox is not frozen; SHUTDOWN comes when nothing more goes to Loki.',
  results: flood.tallies,
});
for (const test of troubleCases) cases.push({ ...(await judge(test)), showsHeld: true });
printTable('What arrives', caseRows(subjects, cases));

const tookS = Math.round((Date.now() - startedAt.getTime()) / 1_000);
const document = path.join(root, 'docs/comparison.md');
writeFileSync(document, toMarkdown({ run, command: 'make bench-peers', tookS, subjects, missing, figures, cases }));
console.log(`\nwritten: ${path.relative(root, document)}, after ${tookS} s`);

function readRivals(): Rivals {
  try {
    return rivalsFrom(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** All at once: a case is mostly waiting. */
async function judge(test: Case): Promise<Judged> {
  console.log(`${test.title} ...`);
  const results = await Promise.all(subjects.map((subject) => tryCase(subject, test)));
  const { title, about, judgesTime = false } = test;
  return { title, about, judgesTime, results };
}

/** A copy for each column: what is measured stays the same while somebody builds, and no column shares pages with another. */
function withCopy(subject: Subject, index: number): Subject {
  const executable = path.join(folder, String(index), path.basename(subject.executable));
  mkdirSync(path.dirname(executable));
  copyFileSync(subject.executable, executable);
  return { ...subject, executable };
}
