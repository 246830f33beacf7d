// Lines that have only one meaning, words that make a phrase of a level, and names in front of one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Level } from '../../../src/records/line-level.ts';
import { inspectText } from '../../../src/records/line-text.ts';

const TIME = '2026-01-05T10:00:00.118Z';
const levelOf = (line: string) => inspectText(line).level;

test('a line that a program always begins in this way has its level', () => {
  const lines: readonly (readonly [line: string, Level])[] = [
    ['PHP Fatal error: hello', 'fatal'],
    ['PHP Parse error: hello', 'error'],
    ['PHP Warning: hello', 'warn'],
    ['PHP Notice: hello', 'info'],
    ['PHP Deprecated: hello', 'warn'],
    ['Fatal error: hello', 'fatal'],
    ['fatal error: hello', 'fatal'],
    ['panic: runtime error: hello', 'fatal'],
    ['npm ERR! hello', 'error'],
    ['npm error hello', 'error'],
    ['npm WARN hello', 'warn'],
    ['npm warn hello', 'warn'],
    ['ERR! hello', 'error'],
    ['prisma:error hello', 'error'],
    ['prisma:warn hello', 'warn'],
    ['log4j:ERROR hello', 'error'],
    ['log4j:WARN hello', 'warn'],
    ['Sentry Logger [error]: hello', 'error'],
    ['Sentry Logger [warn]: hello', 'warn'],
    ['=CRASH REPORT==== hello', 'error'],
    ['=ERROR REPORT==== hello', 'error'],
    ['=WARNING REPORT==== hello', 'warn'],
    ['=NOTICE REPORT==== hello', 'info'],
    ['=INFO REPORT==== hello', 'info'],
  ];
  for (const [line, level] of lines) {
    assert.equal(levelOf(line), level, line);
    assert.equal(levelOf(`x${line}`), undefined, `x${line}`);
  }
  for (const line of ['PHP Fatal errors', 'npm errors', 'npm info hello', 'prisma:info hello', 'fatal errors: 5']) {
    assert.equal(levelOf(line), undefined, line);
  }
});

test('a level that is the first word of a phrase is none in a line without a time, and is one with a time', () => {
  for (const [level, word, others] of [
    ['error', 'ERROR', 'correction rate rates count counts budget budgets bar bars handling margin code codes free'],
    ['fatal', 'CRITICAL', 'path mass care role thinking acclaim infrastructure section patients parts'],
    ['fatal', 'FATAL', 'accident accidents attraction dose injury injuries fury frame crash'],
    ['error', 'SEVERE', 'weather storm storms thunderstorm thunderstorms injuries'],
    ['warn', 'WARNING', 'sign signs label labels light lights'],
    ['info', 'INFO', 'desk booth point session sheet'],
    ['debug', 'DEBUG', 'kit build builds mode symbols'],
  ] as const) {
    for (const other of [...others.split(' '), ...others.toUpperCase().split(' ')]) {
      assert.equal(levelOf(`${word} ${other} is here`), undefined, `${word} ${other}`);
      assert.equal(levelOf(`[main] ${word}  ${other} is here`), undefined, `${word} ${other}`);
      assert.equal(levelOf(`${TIME} ${word} ${other} is here`), level, `${word} ${other}`);
    }
    for (const other of ['', ' hello', ' pathfinder', ' 5 rates']) {
      assert.equal(levelOf(`${word}${other}`), level, `${word}${other}`);
    }
  }
  assert.equal(levelOf('WARN rate is high'), 'warn', 'the phrase belongs to another word');
});

test('without a time only a word that is the usual name of a logger may stand before the level', () => {
  for (const name of ['app', 'main', 'root', '__main__', 'lambda', 'handler', 'worker']) {
    assert.equal(levelOf(`${name} ERROR hello`), 'error', name);
    assert.equal(levelOf(`${name}s ERROR hello`), undefined, name);
  }
});

test('behind a time any word in lower case may, but for those of every sentence', () => {
  const words = [
    'a an the this that these those my your his her its our their no not any some all each every',
    'i you he she it we they and or but if then than so',
    'as at by for from in into of off on out over to up with without',
    'is are was were be been has have had do does did can could will would may might must should',
    'got get set new old last first next one two more most sent send found see only very just now still',
  ].flatMap((row) => row.split(' '));
  for (const word of words) assert.equal(levelOf(`${TIME} ${word} ERROR hello`), undefined, word);
  for (const word of ['host', 'worker', 'orders', 'thes']) {
    assert.equal(levelOf(`${TIME} ${word} ERROR hello`), 'error', word);
  }
});
