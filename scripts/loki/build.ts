// Finds a Loki to test against: LOKI_URL, LOKI_BINARY or `loki` on the PATH, or one built at a pinned version from its Go module.
// As a program it prints the path of the executable, so that a cache can be filled ahead of the tests.
// Loki's licence is AGPL-3.0: it is run beside the project, and nothing of it is part of the project. Not every house allows its source
// on its machines, so it is fetched and built only where LOKI_BUILD=1 says so.

import { findProgram } from '../build/toolchain.ts';
import { buildGoTool, type GoTool } from '../go-tool.ts';

/** A Loki that already runs, an executable to start, or one line that says what is missing. */
export type LokiSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'binary'; readonly path: string }
  | { readonly kind: 'missing'; readonly reason: string };

const LOKI: GoTool = {
  name: 'loki',
  modulePath: 'github.com/grafana/loki/v3',
  version: 'v3.7.8',
  packagePath: './cmd/loki',
  note: 'the first time it takes 6 to 15 minutes and 2.2 GB of memory',
};

/** Looks in the order above. `LOKI_BINARY` names an executable outside the PATH. */
export async function findLoki(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<LokiSource> {
  const url = env['LOKI_URL'];
  if (url) return { kind: 'url', url: url.replace(/\/+$/, '') };
  const path = env['LOKI_BINARY'] || findProgram('loki');
  if (path) {
    say(`loki: using ${path}`);
    return { kind: 'binary', path };
  }
  const otherwise = 'set LOKI_URL or LOKI_BINARY, or put loki on the PATH';
  if (env['LOKI_BUILD'] !== '1') {
    return { kind: 'missing', reason: `loki: none found; ${otherwise}, or build it with Go: LOKI_BUILD=1 (AGPL-3.0)` };
  }
  const built = await buildGoTool(LOKI, say);
  if (built.ok) return { kind: 'binary', path: built.path };
  return { kind: 'missing', reason: `${built.reason}; ${otherwise}` };
}

if (import.meta.main) {
  const source = await findLoki(process.env, (line) => console.error(line));
  if (source.kind === 'missing') console.error(source.reason);
  else console.log(source.kind === 'url' ? source.url : source.path);
  process.exitCode = source.kind === 'missing' ? 1 : 0;
}
