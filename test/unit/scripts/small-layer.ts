// A layer in small: a zip file as scripts/build/package-layer.ts makes it, with the first bytes of an executable in place of all.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sevenZip } from '../../../scripts/build/seven-zip.ts';
import { root } from '../../../scripts/build/toolchain.ts';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const EXECUTABLE = 'extensions/aws-lambda-loki-extension';

export interface SmallLayer {
  readonly executable?: string;
  readonly mode?: number;
  /** e_machine of the ELF header. */
  readonly machine?: number;
  readonly version?: string;
  /** More files, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export function smallLayer(file: string, layer: SmallLayer = {}): void {
  const elf = Buffer.alloc(64);
  elf.write('\x7fELF', 'latin1');
  elf.writeUInt16LE(layer.machine ?? 62, 18);
  const bill = { metadata: { component: { name: 'aws-lambda-loki-extension', version: layer.version ?? version } } };
  const files: Readonly<Record<string, string | Buffer>> = {
    [layer.executable ?? EXECUTABLE]: elf,
    'aws-lambda-loki-extension/bom.cdx.json': JSON.stringify(bill, null, 2),
    ...layer.files,
  };
  const stage = mkdtempSync(`${file}-`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.join(stage, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(stage, name), content);
    chmodSync(path.join(stage, name), content === elf ? (layer.mode ?? 0o755) : 0o644);
  }
  sevenZip(['a', '-tzip', file, ...Object.keys(files)], stage);
  rmSync(stage, { recursive: true });
}
