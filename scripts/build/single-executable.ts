// What every single executable of this project is made of: Node.js without its symbols, and in it a blob with the script.
// https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html

import { readFileSync, writeFileSync } from 'node:fs';
import postject from 'postject';
import { readElf, stripElf, withoutPadding } from './elf.ts';

const SENTINEL_FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Members of the configuration from which Node.js makes the blob. */
export const SEA_DEFAULTS = {
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  // The function's NODE_OPTIONS must not reach the extension.
  execArgvExtension: 'none',
} as const;

export async function writeExecutable(file: string, node: string, blob: Buffer): Promise<void> {
  writeFileSync(file, stripElf(readElf(readFileSync(node))), { mode: 0o755 });
  const warn = console.warn;
  // Node.js has two note sections where the injector expects one, and it says so each time.
  console.warn = (text: string) => text.includes("section name '.note'") || warn(text);
  await postject.inject(file, 'NODE_SEA_BLOB', blob, { sentinelFuse: SENTINEL_FUSE });
  console.warn = warn;
  writeFileSync(file, withoutPadding(readElf(readFileSync(file))));
}
