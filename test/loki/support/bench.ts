// The built extension between an emulated Lambda and a real Loki, and what Loki holds of it afterwards.
// Each bench is a function of its own name, so that several can share a Loki, also one that holds other people's data.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { extensionExecutable, freePort } from '../../fakes/extension.ts';
import type { EmulatorOptions } from '../../fakes/lambda/options.ts';
import type { LambdaRecord } from '../../fakes/lambda/records.ts';
import { createLambdaEmulator, type LambdaEmulator } from '../../fakes/lambda-emulator.ts';
import type { LokiPlace } from './loki.ts';
import { lastHour, lokiQuery, type QueryWindow, type StoredEntry } from './query.ts';

export type RealBenchOptions = Omit<EmulatorOptions, 'executable'> & {
  /** Where the extension pushes, if not straight to Loki. */
  readonly endpoint?: string;
  /** Tenant to push and to ask as. */
  readonly tenant?: string;
  /** The times that are looked at, oldest first; default: the last hour. */
  readonly windows?: readonly QueryWindow[];
};

export type RealBench = {
  readonly emulator: LambdaEmulator;
  readonly functionName: string;
  /** What Loki holds of this function now, oldest first; of one record type, if given. */
  stored(type?: string): Promise<readonly StoredEntry[]>;
  /** Asks Loki until it holds that many entries of the type, or fails after `timeoutMs`. */
  arrived(type: string, count: number, timeoutMs?: number): Promise<readonly StoredEntry[]>;
};

const ASK_AGAIN_MS = 200;

export async function createRealBench(
  t: TestContext,
  loki: LokiPlace,
  options: RealBenchOptions = {},
): Promise<RealBench> {
  const name = `test-${randomUUID().slice(0, 13)}`;
  const emulator = await createLambdaEmulator({
    ...options,
    executable: extensionExecutable(),
    function: { memorySizeMb: 512, ...options.function, name },
    environment: {
      LOKI_PUSH_ENDPOINT: options.endpoint ?? loki.url,
      LOKI_EXTENSION_PORT: String(await freePort()),
      LOKI_TENANT_ID: options.tenant,
      ...options.environment,
    },
  });
  t.after(() => emulator.stop());
  const query = lokiQuery(loki.url, options.tenant);
  const stored = async (type?: string) => {
    const selector = `{function_name="${name}"${type === undefined ? '' : `, type="${type}"`}}`;
    const found: StoredEntry[] = [];
    for (const window of options.windows ?? [lastHour()]) found.push(...(await query.entries(selector, window)));
    return found;
  };
  return {
    emulator,
    functionName: name,
    stored,
    async arrived(type, count, timeoutMs = 30_000) {
      const giveUpAtMs = Date.now() + timeoutMs;
      for (;;) {
        const entries = await stored(type);
        if (entries.length >= count) return entries;
        assert.ok(Date.now() < giveUpAtMs, `${entries.length} of ${count} ${type} entries after ${timeoutMs} ms`);
        await sleep(ASK_AGAIN_MS);
      }
    },
  };
}

/** The lines, in Loki's order. */
export function linesOf(entries: readonly StoredEntry[]): readonly string[] {
  return entries.map((entry) => entry.line);
}

/** Compares long lists of lines by their first difference: a full diff of thousands would take minutes and tell nobody anything. */
export function assertSameLines(actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  if (at >= 0) assert.equal(actual[at]?.slice(0, 500), expected[at]?.slice(0, 500), `line ${at} of ${expected.length}`);
  assert.equal(actual.length, expected.length);
}

/** What must be in Loki of the records that were emitted: platform events whole, lines without their newline, no empty ones. */
export function expectedLines(emitted: readonly LambdaRecord[], type: 'function' | 'platform'): readonly string[] {
  return emitted
    .filter((record) => (type === 'function') === (record.type === 'function'))
    .map((record) => expectedLine(record))
    .filter((line) => line !== '');
}

/** The line that Loki must hold for one record, well-formed as UTF-8 makes it. */
export function expectedLine(record: { readonly type?: unknown; readonly record?: unknown }): string {
  const isLine = (record.type === 'function' || record.type === 'extension') && record.record !== undefined;
  if (!isLine) return JSON.stringify(record).toWellFormed();
  const text = typeof record.record === 'string' ? record.record : JSON.stringify(record.record);
  return (typeof record.record === 'string' ? text.replace(/\r?\n$/, '') : text).toWellFormed();
}
