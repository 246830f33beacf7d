// The types of esbuild.config.mjs, for the scripts and tests that use it.
import type { Metafile, Plugin } from 'esbuild';

export interface BundledScript {
  readonly text: string;
  readonly metafile: Metafile;
  /** Names of the npm packages that are in it, sorted. */
  readonly packages: readonly string[];
}

/** @param sourceDir folder with main.ts and late.ts; the project's own if absent */
export function bundle(
  sourceDir?: string,
): Promise<{ readonly boot: BundledScript; readonly late: BundledScript; readonly check: BundledScript }>;

/** What the packages are like in the executable: parts left out, and one changed. */
export const packagePlugins: Plugin[];
