// Every page of the project: what it links to exists, headings included, what it names of settings and make targets is there, and
// the index of docs/ knows all of them. What the README says of the code: readme.test.ts.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../../../src/config/settings.ts';

const root = path.join(import.meta.dirname, '..', '..', '..');
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');
const pages = globSync('{*.md,{docs,examples,dashboards,scripts,test}/**/*.md}', {
  cwd: root,
  exclude: (name) => name.includes('node_modules'),
});
/** Without blocks of code, in which a bracket is no link. */
const prose = (page: string) => read(page).replaceAll(/^ *```.*?^ *```$/gms, '');

for (const page of pages) {
  test(`everything that ${page} links to exists`, () => {
    const links = [...prose(page).matchAll(/\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, file, anchor]) => {
      const target = file ? path.join(path.dirname(page), file) : page;
      if (!existsSync(path.join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    assert.deepEqual(
      broken.map(([link]) => link),
      [],
    );
  });

  test(`every setting that ${page} names is one`, () => {
    const known = new Set<string>(SETTINGS.map(({ name }) => name));
    const other = ['LOKI_URL', 'LOKI_BINARY'];
    // In `docs/coming-from.md` the first cell of a row is what others call it.
    const text = page === 'docs/coming-from.md' ? read(page).replaceAll(/^\| [^|]+ \|/gm, '|') : read(page);
    const named = [...text.matchAll(/\bLOKI_[A-Z_]*[A-Z]\b/g)].map(([name]) => name);
    assert.deepEqual(
      named.filter((name) => !known.has(name) && !other.includes(name)),
      [],
    );
  });

  test(`every make target that ${page} names is one`, () => {
    const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map(([, target]) => target));
    const named = [...read(page).matchAll(/(?:`|^)make ([a-z][a-z0-9-]*)/gm)].map(([, target]) => target);
    assert.deepEqual(
      named.filter((target) => !targets.has(target)),
      [],
    );
  });
}

test('the pages are found', () => {
  for (const page of ['README.md', 'docs/README.md', 'examples/vpc/README.md']) assert.ok(pages.includes(page), page);
});

test('the index names every page of docs/', () => {
  const linked = [...read('docs/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, file]) => file);
  const there = globSync('*.md', { cwd: path.join(root, 'docs') }).filter((file) => file !== 'README.md');
  assert.deepEqual(linked.toSorted(), there.toSorted());
});

test('every picture is shown by a page', () => {
  const shown = new Set(
    pages.flatMap((page) => [...read(page).matchAll(/\]\(\S*?([\w-]+\.svg)\)/g)].map(([, file]) => file)),
  );
  const there = globSync('images/*.svg', { cwd: path.join(root, 'docs') }).map((file) => path.basename(file));
  assert.deepEqual([...shown].toSorted(), there.toSorted());
});

test('the index of the recipes names every folder', () => {
  const linked = [...read('examples/README.md').matchAll(/\]\((\w+)[/)]/g)].map(([, folder]) => folder);
  const there = globSync('*/', { cwd: path.join(root, 'examples') }).map((folder) => path.basename(folder));
  assert.deepEqual([...new Set(linked)].toSorted(), there.toSorted());
});

/** As GitHub makes them from headings. */
function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
