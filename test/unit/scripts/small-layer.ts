// A layer in small: a zip file as scripts/build/package-layer.ts makes it, with the first bytes of an executable in place of all.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { root } from '../../../scripts/build/toolchain.ts';

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

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
  const files: [string, Buffer, number][] = [
    [layer.executable ?? 'extensions/aws-lambda-loki-extension', elf, layer.mode ?? 0o755],
    ['aws-lambda-loki-extension/bom.cdx.json', Buffer.from(JSON.stringify(bill, null, 2)), 0o644],
    ...Object.entries(layer.files ?? {}).map(([name, text]): [string, Buffer, number] => [
      name,
      Buffer.from(text),
      0o644,
    ]),
  ];
  writeFileSync(file, zip(files));
}

function zip(files: readonly [name: string, content: Buffer, mode: number][]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content, mode] of files) {
    const packed = deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(8, 10);
    central.writeUInt32LE(crc32(content), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(((0o100000 | mode) << 16) >>> 0, 38);
    central.writeUInt32LE(at, 42);
    // The local header repeats method, checksum and sizes.
    central.copy(local, 8, 10, 28);
    directory.push(central, Buffer.from(name));
    bodies.push(local, Buffer.from(name), packed);
    at += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, ...directory, end]);
}
