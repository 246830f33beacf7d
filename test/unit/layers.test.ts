// Who may import whom. Types count too: a type that is known is a shape that has to be kept.
// CONTRIBUTING.md, "The plan of the house", gives the reasons.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..', '..');

/** Files of `src/` that everybody may know: they know nobody. */
const COMMON = ['byte-string', 'diagnosis/', 'log', 'losses', 'memory', 'time', 'totals', 'version'];

/** A file or a folder of `src/`, and what it may import: files, folders, and packages. The first row that fits a file counts. */
const MAY_IMPORT: readonly (readonly [room: string, ...allowed: string[]])[] = [
  ['main', 'config/', 'lambda/', 'late/load', 'serve'],
  ['serve', 'config/config', 'extension', 'lambda/', 'late/load', 'pipeline'],
  ['extension', 'flush-strategy', 'lambda/extensions-api'],
  ['identity', 'config/config', 'loki/'],
  [
    'pipeline',
    'config/',
    'entries',
    'extension',
    'filters/filters',
    'identity',
    'intake',
    'lambda/',
    'loki/',
    'records/',
  ],
  ['intake', 'entries', 'filters/filters', 'records/'],
  ['entries', 'config/config', 'filters/', 'lambda/subscription', 'loki/', 'records/'],
  ['log-pino', 'pino'],
  ['late/load', 'check/index', 'late/index', 'late/load'],
  ['check/', 'check/', 'config/', 'filters/rules', 'identity', 'late/', 'net/'],
  [
    'late/index',
    'config/',
    'filters/',
    'identity',
    'late/client',
    'late/tools',
    'log-pino',
    'loki/',
    'pipeline',
    'random',
  ],
  ['diagnosis/near-misses', 'config/settings', 'diagnosis/'],
  ['diagnosis/', 'diagnosis/'],
  ['late/tools', 'aws/', 'config/', 'filters/rules', 'identity', 'late/client', 'loki/', 'net/', 'random'],
  ['late/client', 'aws/', 'config/', 'loki/', 'net/', 'random'],
  ['config/', 'aws/reference', 'config/', 'flush-strategy', 'lambda/subscription', 'loki/labels'],
  ['lambda/', 'lambda/'],
  ['records/', 'lambda/subscription', 'records/'],
  ['filters/', 'config/', 'filters/', 'lambda/subscription', 'loki/labels', 'records/'],
  ['loki/push-client', 'config/endpoint', 'loki/', 'net/connect'],
  ['loki/connection', 'loki/', 'net/connect', 'undici'],
  ['loki/undici-client', 'undici'],
  ['loki/snappy-compressor', 'snappyjs'],
  ['loki/encode', 'loki/', 'protobufjs'],
  ['loki/snappy', 'loki/', 'snappyjs'],
  ['loki/', 'config/config', 'loki/', 'net/connect'],
  ['net/', 'config/file-path', 'config/route', 'net/'],
  ['aws/http', 'aws/', 'net/connect', 'undici'],
  ['aws/', 'aws/'],
];

interface Import {
  readonly file: string;
  /** A file of `src/` without its ending, or the name of a package. */
  readonly imported: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, 'src', file), 'utf8');
  const specifiers = [...text.matchAll(/\b(?:from|import|declare module)\s*\(?\s*'([^']+)'/g)].map(
    ([, id]) => id ?? '',
  );
  return specifiers
    .filter((id) => !id.startsWith('node:'))
    .map((id) => ({ file, imported: nameOf(id.startsWith('.') ? path.join(path.dirname(file), id) : packageOf(id)) }));
}

const nameOf = (file: string) => file.replace(/(?:\.sea)?(?:\.d)?\.ts$/, '');
const packageOf = (id: string) => /^(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? id;
const fits = (name: string, room: string) => (room.endsWith('/') ? name.startsWith(room) : name === room);

const files = globSync('**/*.ts', { cwd: path.join(root, 'src') }).sort();

test('every file of src imports only what its room may know', () => {
  const excess = files.flatMap(importsOf).filter(({ file, imported }) => {
    const [, ...allowed] = MAY_IMPORT.find(([room]) => fits(nameOf(file), room)) ?? [''];
    return ![...COMMON, ...allowed].some((name) => fits(imported, name));
  });
  assert.deepEqual(excess, []);
});

test('every row of the table is needed: it stands for files, and each thing that it allows is imported by one', () => {
  const imports = files.flatMap(importsOf);
  const idle = MAY_IMPORT.flatMap(([room, ...allowed]) => {
    const own = imports.filter(({ file }) => MAY_IMPORT.find(([name]) => fits(nameOf(file), name))?.[0] === room);
    return allowed
      .filter((name) => !own.some(({ imported }) => fits(imported, name)))
      .map((name) => `${room} -> ${name}`);
  });
  assert.deepEqual(idle, []);
});

test('node:http is known to nobody: Lambda is spoken to over node:net, Loki over undici', () => {
  const knowing = files.filter((file) =>
    /(?:from|import|Module)\W*'(?:node:)?https?'/.test(readFileSync(path.join(root, 'src', file), 'utf8')),
  );
  assert.deepEqual(knowing, []);
});

test('src knows neither tests nor scripts, and tests know scripts only to test them', () => {
  const strange = globSync(['src/**/*.ts', 'test/{unit,integration,fakes}/**/*.ts'], { cwd: root })
    .filter((file) => !/^test\/unit\/(?:scripts|bench)\//.test(file))
    .filter((file) => /from '[./]*\/scripts\//.test(readFileSync(path.join(root, file), 'utf8')));
  assert.deepEqual(strange, []);
});
