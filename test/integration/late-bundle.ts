// The late script as a file, for programs that tests run in a process of their own (late-script.ts loads it there).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { bundle } from '../../esbuild.config.mjs';

/** @returns the path of the file, which is gone after the test */
export async function writeLateScript(t: TestContext): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'late-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'late.js');
  writeFileSync(file, (await bundle()).late.text);
  return file;
}
