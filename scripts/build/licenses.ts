// What of other people's work is inside the executable: their licences as one text, and a bill of materials in CycloneDX form, in the
// names by which scanners look for flaws. Both are made from the bundle itself, from package-lock.json and from what Node.js says of
// its own parts, and hold no date, so that they are the same for the same input.
// https://cyclonedx.org/docs/1.6/json/

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ElfMachine } from './elf.ts';
import { lockedPackage, nodePackage, nodePackageName, root } from './toolchain.ts';

export interface ThirdParty {
  /** Of the npm package; `node` for Node.js. */
  readonly name: string;
  readonly version: string;
  /** SPDX expression from its package.json. */
  readonly license: string;
  readonly licenseText: string;
  /** SHA-512 of its archive in the npm registry, in hexadecimal. */
  readonly sha512: string;
  readonly purl: string;
  readonly cpe?: string;
}

/**
 * Parts of Node.js, by their names in `process.versions`: the package URL, where it is not the same name, and vendor and product in the
 * dictionary of CPE. Others are listed by name and version alone.
 */
const NODE_PARTS: Readonly<Record<string, { readonly purl?: string; readonly cpe?: string }>> = {
  acorn: { purl: 'npm/acorn' },
  amaro: { purl: 'npm/amaro' },
  ares: { purl: 'generic/c-ares', cpe: 'c-ares:c-ares' },
  brotli: { cpe: 'google:brotli' },
  icu: { cpe: 'unicode:international_components_for_unicode' },
  llhttp: { cpe: 'llhttp:llhttp' },
  nghttp2: { cpe: 'nghttp2:nghttp2' },
  openssl: { cpe: 'openssl:openssl' },
  sqlite: { cpe: 'sqlite:sqlite' },
  undici: { purl: 'npm/undici', cpe: 'nodejs:undici' },
  uv: { purl: 'generic/libuv', cpe: 'libuv:libuv' },
  v8: { cpe: 'google:v8' },
  zlib: { cpe: 'zlib:zlib' },
  zstd: { cpe: 'facebook:zstandard' },
};
/** Numbers of an interface or of data, and Node.js itself. */
const NO_PARTS = ['node', 'modules', 'napi', 'cldr', 'tz', 'unicode'];

/** Node.js itself, then the packages in the order given. Throws when one of them has no licence file. */
export function thirdParties(arch: ElfMachine, packages: readonly string[]): ThirdParty[] {
  const node = describePackage(nodePackageName(arch), nodePackage(arch));
  const known = { name: 'node', purl: `pkg:generic/node@${node.version}`, cpe: cpe('nodejs:node.js', node.version) };
  return [
    { ...node, ...known },
    ...packages.map((name) => describePackage(name, path.join(root, 'node_modules', name))),
  ];
}

export function licensesText(parties: readonly ThirdParty[]): string {
  const head = 'The executable contains the following software, each under its own licence.\n';
  return head + parties.map((party) => `\n${heading(party)}\n\n${party.licenseText.trim()}\n`).join('');
}

/** @param parties as `thirdParties` gives them */
export function billOfMaterials(version: string, parties: readonly ThirdParty[]): string {
  const [node] = parties;
  const parts = partsOfNode(node?.version);
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': 'aws-lambda-loki-extension',
        name: 'aws-lambda-loki-extension',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components: [...parties.map(toComponent), ...parts],
    dependencies: [
      { ref: 'aws-lambda-loki-extension', dependsOn: parties.map(({ purl }) => purl) },
      { ref: node?.purl, dependsOn: parts.map((part) => part['bom-ref']) },
    ],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function toComponent({ name, version, sha512, license, purl, cpe }: ThirdParty): object {
  const hashes = [{ alg: 'SHA-512', content: sha512 }];
  const type = name === 'node' ? 'platform' : 'library';
  return { type, 'bom-ref': purl, name, version, hashes, licenses: [{ expression: license }], cpe, purl };
}

/** What Node.js was built with. @throws when it is not the Node.js that runs here */
function partsOfNode(shipped: string | undefined) {
  const { versions } = process;
  if (versions.node !== shipped) throw new Error(`Node.js ${versions.node} cannot tell the parts of ${shipped}`);
  return Object.entries(versions)
    .filter(([name, version]) => version && !NO_PARTS.includes(name))
    .map(([name, version = '']) => {
      const { purl = `generic/${name}`, cpe: product } = NODE_PARTS[name] ?? {};
      return {
        type: 'library',
        // Some are packages of ours too, in another version or in the same.
        'bom-ref': `node/${name}`,
        name: path.basename(purl),
        version,
        cpe: product && cpe(product, version),
        purl: `pkg:${purl}@${version}`,
      };
    });
}

/** The dictionary knows no builds, as in `13.6.233.17-node.53`. */
function cpe(product: string, version: string): string {
  return `cpe:2.3:a:${product}:${version.split('-')[0]}:*:*:*:*:*:*:*`;
}

function describePackage(name: string, folder: string): ThirdParty {
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  const [, hash = ''] = lockedPackage(name).integrity.split('sha512-');
  const sha512 = Buffer.from(hash, 'base64').toString('hex');
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { name, version, license, licenseText: readFileSync(path.join(folder, file), 'utf8'), sha512, purl };
}

function heading({ name, version, license }: ThirdParty): string {
  const title = `${name} ${version} (${license})`;
  return `${title}\n${'='.repeat(title.length)}`;
}
