// The name to register under. Lambda knows an extension by its file name in /opt/extensions, whatever that file starts:
// it may be the executable, a link to it with another name, or a script that starts it from elsewhere.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const FOLDER = '/opt/extensions';
/** A script that only starts something is shorter; another extension's executable is not read whole. */
const SCRIPT_BYTES = 16_384;

/**
 * The names to try, the likeliest first, never none. `startedAs` is the path that the process was started by (a link's
 * own), `executable` the file that runs.
 */
export function extensionNames(startedAs: string, executable: string, folder = FOLDER): readonly string[] {
  const own = basename(startedAs);
  if (dirname(startedAs) === folder) return [own];
  const last = [own, basename(executable)];
  if (!existsSync(folder)) return unique(last);
  try {
    const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [] : [entry.name],
    );
    const starters = files.filter((name) => starts(join(folder, name), executable));
    return unique([...starters, ...(files.length === 1 ? files : []), ...last]);
  } catch {
    return unique(last);
  }
}

/** Whether the file is the executable, or a script that mentions its name. */
function starts(file: string, executable: string): boolean {
  try {
    if (realpathSync(file) === executable) return true;
    const start = Buffer.alloc(SCRIPT_BYTES);
    const descriptor = openSync(file, 'r');
    try {
      const text = start.toString('latin1', 0, readSync(descriptor, start));
      return text.startsWith('#!') && text.includes(basename(executable));
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
