// The folder stands in for /opt/extensions; the files in it are real.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { extensionNames } from '../../../src/lambda/extension-name.ts';

const NAME = 'aws-lambda-loki-extension';

/** A place with the executable, and beside it the folder with these files; an empty content is a link to the executable. */
function setUp(t: TestContext, files: Readonly<Record<string, string>>) {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'extension-name-')));
  t.after(() => rmSync(place, { recursive: true }));
  const folder = join(place, 'extensions');
  const executable = join(place, NAME);
  mkdirSync(join(folder, 'a-folder'), { recursive: true });
  writeFileSync(executable, '\x7fELF');
  for (const [name, content] of Object.entries(files)) {
    if (content === '') symlinkSync(executable, join(folder, name));
    else writeFileSync(join(folder, name), content);
  }
  return { folder, executable };
}

test('a file of the folder registers by its own name, whatever else is there', (t) => {
  const { folder } = setUp(t, { 'start.sh': `#!/bin/sh\nexec ${NAME}\n` });
  assert.deepEqual(extensionNames(join(folder, 'logs'), '/elsewhere', folder), ['logs']);
});

test('where there is no such folder, the name of the link or file that was started counts', () => {
  assert.deepEqual(extensionNames('/tmp/logs', `/tmp/${NAME}`, '/missing'), ['logs', NAME]);
  assert.deepEqual(extensionNames(NAME, `/tmp/${NAME}`, '/missing'), [NAME]);
});

test('from elsewhere it looks for the script that names it, and for a link to itself', (t) => {
  const others = {
    another: '\x7fELF',
    'other.sh': '#!/bin/sh\nexec another\n',
    broken: `no script, though it says ${NAME}`,
  };
  const { folder, executable } = setUp(t, { ...others, 'start.sh': `#!/bin/sh\nexec /opt/loki/${NAME} "$@"\n` });
  assert.deepEqual(extensionNames(executable, executable, folder), ['start.sh', NAME]);
  const linked = setUp(t, { ...others, logs: '' });
  assert.deepEqual(extensionNames(NAME, linked.executable, linked.folder), ['logs', NAME]);
});

test('two scripts that name it are both tried, as each may have started one', (t) => {
  const { folder, executable } = setUp(t, { a: `#!/bin/sh\n${NAME}\n`, b: `#!/bin/bash\n${NAME}\n`, c: '\x7fELF' });
  assert.deepEqual(extensionNames(executable, executable, folder).toSorted(), ['a', NAME, 'b']);
});

test('a file that is alone in the folder must be it, even if it does not say so', (t) => {
  const { folder, executable } = setUp(t, { start: '#!/bin/sh\nexec "$EXTENSION"\n' });
  assert.deepEqual(extensionNames(executable, executable, folder), ['start', NAME]);
});

test('what cannot be read is nobody, and no reason to fail', (t) => {
  const { folder, executable } = setUp(t, { another: '\x7fELF' });
  symlinkSync('/missing', join(folder, 'dangling'));
  assert.deepEqual(extensionNames(executable, executable, folder), [NAME]);
  assert.deepEqual(extensionNames(executable, executable, join(folder, 'another')), [NAME]);
});

test('of a script the first 16384 bytes are read', (t) => {
  const script = (bytes: number) => `#!/bin/sh\n#${' '.repeat(bytes - 11 - NAME.length)}${NAME}`;
  const { folder, executable } = setUp(t, { within: script(16_384), beyond: script(16_385) });
  assert.deepEqual(extensionNames(executable, executable, folder), ['within', NAME]);
});

test('a folder is no extension, and does not count among the files', (t) => {
  const { folder, executable } = setUp(t, {});
  assert.deepEqual(extensionNames(executable, executable, folder), [NAME]);
  const two = setUp(t, { one: 'x', other: 'y' });
  assert.deepEqual(extensionNames(two.executable, two.executable, two.folder), [NAME]);
});
