// `make test-rie`: runs our executable under AWS's Runtime Interface Emulator, classic and for managed instances.
// The emulator reads /opt/extensions and nothing else, so the tests run in a mount namespace of their own with an empty
// /opt: the machine's /opt is neither read nor written.

import { spawnSync } from 'node:child_process';
import { existsSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { executablePath, findProgram, hostArchitecture, root } from '../../scripts/build/toolchain.ts';
import { findOrBuild } from '../tools/build.ts';
import { sayMissing } from '../tools/run-tests.ts';

/** https://github.com/aws/aws-lambda-runtime-interface-emulator */
const RIE = {
  variable: 'RIE_BINARY',
  packagePath: 'github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie',
};
const extension = executablePath(hostArchitecture);
// Directories that are hidden inside the namespace: what the tests need must not lie there.
const hidden = ['/opt/', '/var/runtime/', '/var/task/'];

function missing(): string | undefined {
  if (process.platform !== 'linux') return 'test-rie needs Linux: the emulator and its namespace exist only there';
  if (process.getuid?.() !== 0)
    return 'test-rie needs root: it makes a mount namespace, and the emulator changes users';
  for (const program of ['unshare', 'mount', 'umount']) {
    if (findProgram(program) === undefined) return `test-rie needs the program ${program} (util-linux)`;
  }
  if (!existsSync('/opt')) return 'test-rie needs a directory /opt to hide behind its own';
  if (!existsSync(extension)) return `test-rie needs the executable ${extension}: run make build first`;
  const own = [realpathSync(root), process.execPath].find((path) => hidden.some((dir) => path.startsWith(dir)));
  return own === undefined
    ? undefined
    : `test-rie cannot run from ${own}: the tests hide that directory from themselves`;
}

const reason = missing();
const rie = reason === undefined ? findOrBuild(RIE) : { ok: false as const, reason };
if (!rie.ok) sayMissing(rie.reason);
else {
  const inside = [process.execPath, join(import.meta.dirname, 'support/inside.ts'), ...process.argv.slice(2)];
  const { status, error } = spawnSync('unshare', ['--mount', '--propagation', 'private', '--', ...inside], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      RIE_BINARY: realpathSync(rie.path),
      RIE_EXTENSION: extension,
      RIE_OUTER_NAMESPACE: readlinkSync('/proc/self/ns/mnt'),
    },
  });
  if (error) console.error(`test-rie could not make a mount namespace: ${error.message}`);
  process.exitCode = status ?? 1;
}
