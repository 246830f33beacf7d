// Runs the AWS CLI. Its words go to standard error as they are; what went wrong is also a value, for the table at the end.

import { spawnSync } from 'node:child_process';
import { root } from '../build/toolchain.ts';

export type Answer =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: string };

export function callAws(args: readonly string[]): Answer {
  const { status, stdout, stderr, error } = spawnSync('aws', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, AWS_PAGER: '' },
  });
  process.stderr.write(stderr ?? '');
  if (status !== 0) {
    return { ok: false, reason: reasonIn(stderr ?? '') || error?.message || `exit ${status}` };
  }
  try {
    return { ok: true, value: JSON.parse(stdout) };
  } catch {
    return { ok: false, reason: `aws ${args.slice(0, 2).join(' ')} answered with something that is not JSON` };
  }
}

/** The line that tells of the error: details, warnings and hints may stand behind it. */
function reasonIn(stderr: string): string | undefined {
  const lines = stderr.trim().split('\n');
  return lines.find((line) => line.includes('An error occurred')) ?? lines.at(-1);
}

/** The command as one can paste it into a shell. */
export function shellLine(args: readonly string[]): string {
  const quote = (word: string) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
  return ['aws', ...args].map(quote).join(' ');
}
