// What of other people's work is inside the executable: their licences as one text, and a bill of materials in CycloneDX form.
// Both are made from the bundle itself and from package-lock.json and hold no date, so that they are the same for the same input.
// https://cyclonedx.org/docs/1.6/json/

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ElfMachine } from './elf.ts';
import { lockedPackage, nodePackage, nodePackageName, root } from './toolchain.ts';

export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** SPDX expression from its package.json. */
  readonly license: string;
  readonly licenseText: string;
  /** SHA-512 of its archive in the npm registry, in hexadecimal. */
  readonly sha512: string;
}

/** Node.js itself, then the packages in the order given. Throws when one of them has no licence file. */
export function thirdParties(arch: ElfMachine, packages: readonly string[]): ThirdParty[] {
  const node = describePackage(nodePackageName(arch), nodePackage(arch));
  return [node, ...packages.map((name) => describePackage(name, path.join(root, 'node_modules', name)))];
}

export function licensesText(parties: readonly ThirdParty[]): string {
  const head = 'The executable contains the following software, each under its own licence.\n';
  return head + parties.map((party) => `\n${heading(party)}\n\n${party.licenseText.trim()}\n`).join('');
}

export function billOfMaterials(version: string, parties: readonly ThirdParty[]): string {
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
    components: parties.map(toComponent),
    dependencies: [{ ref: 'aws-lambda-loki-extension', dependsOn: parties.map(packageUrl) }],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function toComponent(party: ThirdParty): object {
  return {
    type: party.name.startsWith('node-linux-') ? 'platform' : 'library',
    'bom-ref': packageUrl(party),
    name: party.name,
    version: party.version,
    hashes: [{ alg: 'SHA-512', content: party.sha512 }],
    licenses: [{ expression: party.license }],
    purl: packageUrl(party),
  };
}

function describePackage(name: string, folder: string): ThirdParty {
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  const [, hash = ''] = lockedPackage(name).integrity.split('sha512-');
  const sha512 = Buffer.from(hash, 'base64').toString('hex');
  return { name, version, license, licenseText: readFileSync(path.join(folder, file), 'utf8'), sha512 };
}

function heading({ name, version, license }: ThirdParty): string {
  const title = `${name} ${version} (${license})`;
  return `${title}\n${'='.repeat(title.length)}`;
}

function packageUrl({ name, version }: ThirdParty): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
