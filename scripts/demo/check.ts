// The verdict of the extension's own `check`, with the settings of the demo.

import { spawnSync } from 'node:child_process';

/** @returns what it says of problems, of the way to Loki, and in the end; the settings that are well are left out */
export function runCheck(
  executable: string,
  settings: Readonly<Record<string, string | undefined>>,
): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(executable, ['check'], { env: { ...settings }, encoding: 'utf8' });
  const warnings = /^ {2}(?:warn|FAILED) .*?(?=^What Lambda tells)/ms.exec(stdout)?.[0] ?? '';
  const way = /^The way to Loki$.*/ms.exec(stdout)?.[0] ?? stdout;
  return { ok: status === 0, text: `${warnings}${way}${stderr}` };
}
