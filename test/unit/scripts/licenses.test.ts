// scripts/build/licenses.ts with the packages that are installed here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billOfMaterials, licensesText, thirdParties } from '../../../scripts/build/licenses.ts';
import { hostArchitecture, lockedPackage } from '../../../scripts/build/toolchain.ts';

const parties = thirdParties(hostArchitecture, ['@pinojs/redact', 'undici']);

test('names Node.js and each package with its version and the text of its licence', () => {
  const text = licensesText(parties);
  for (const [name, license] of [
    ['@pinojs/redact', 'MIT'],
    ['undici', 'MIT'],
  ] as const) {
    assert.match(text, new RegExp(`^${name} ${lockedPackage(name).version} \\(${license}\\)$`, 'm'));
  }
  assert.match(text, /^node 24\./m);
  // Node.js itself, what is inside Node.js, and a package.
  assert.match(text, /Copyright Node\.js contributors\./);
  assert.match(text, /- V8, located at deps\/v8/);
  assert.match(text, /Copyright \(c\) Matteo Collina and Undici contributors/);
});

test('lists them all in the bill of materials, with the hash that package-lock.json pins', () => {
  const bill = JSON.parse(billOfMaterials('1.2.3', parties));
  assert.equal(bill.bomFormat, 'CycloneDX');
  assert.equal(bill.metadata.component.version, '1.2.3');
  const [, redact, undici] = bill.components;
  assert.match(redact.purl, /^pkg:npm\/%40pinojs\/redact@/);
  assert.equal(undici.licenses[0].expression, 'MIT');
  const hash = Buffer.from(undici.hashes[0].content, 'hex').toString('base64');
  assert.equal(`sha512-${hash}`, lockedPackage('undici').integrity);
  assert.deepEqual(
    bill.dependencies[0].dependsOn,
    bill.components.slice(0, 3).map(({ purl }: { purl: string }) => purl),
  );
});

test('Node.js and what it was built with have the names by which scanners look for flaws', () => {
  const bill = JSON.parse(billOfMaterials('1.2.3', parties));
  const [node] = bill.components;
  const { version } = process;
  assert.equal(node.name, 'node');
  assert.equal(node.type, 'platform');
  assert.equal(node.purl, `pkg:generic/node@${version.slice(1)}`);
  assert.equal(node.cpe, `cpe:2.3:a:nodejs:node.js:${version.slice(1)}:*:*:*:*:*:*:*`);
  const parts = new Map(bill.components.slice(3).map((part: { name: string }) => [part.name, part]));
  for (const name of ['openssl', 'v8', 'libuv', 'zlib', 'c-ares', 'undici', 'llhttp', 'simdjson']) {
    assert.ok(parts.has(name), name);
  }
  assert.ok(!parts.has('modules') && !parts.has('napi'));
  const { openssl } = process.versions;
  assert.deepEqual(parts.get('openssl'), {
    type: 'library',
    'bom-ref': 'node/openssl',
    name: 'openssl',
    version: openssl,
    cpe: `cpe:2.3:a:openssl:openssl:${openssl}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/openssl@${openssl}`,
  });
  const references = bill.components.map((part: Record<string, string>) => part['bom-ref']);
  assert.equal(new Set(references).size, references.length);
  assert.deepEqual(bill.dependencies[1], { ref: node['bom-ref'], dependsOn: references.slice(3) });
});

test('the bill of materials is the same each time', () => {
  assert.equal(billOfMaterials('1.2.3', parties), billOfMaterials('1.2.3', parties));
});

test('a package without a licence is an error, not a gap', () => {
  assert.throws(() => thirdParties(hostArchitecture, ['.bin']), /package\.json/);
});
