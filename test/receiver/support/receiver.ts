// VictoriaLogs on a free loopback port, all its data in a temporary directory, for one test; and what it holds.
// https://docs.victoriametrics.com/victorialogs/data-ingestion/promtail/ and .../querying/#http-api

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../fakes/extension.ts';
import type { StoredEntry } from '../../fakes/loki/store.ts';

export interface Receiver {
  /** The settings of the extension that send there. */
  readonly endpoint: string;
  /** Everything that it holds, by the moment of the entry. */
  entries(): Promise<readonly StoredEntry[]>;
}

const START_TIMEOUT_MS = 30_000;
/** Lines stay as they are, and these labels make a stream; whatever comes beside them is a field of the entry. */
const PUSH_PATH =
  '/insert/loki/api/v1/push?disable_message_parsing=1' +
  '&_stream_fields=service_name,function_name,account_id,region,source,type,odd';

/** Starts it; it ends with the test. Entries may be of any time. */
export async function startReceiver(t: TestContext): Promise<Receiver> {
  const binary = process.env['VICTORIA_LOGS_BINARY'];
  if (!binary) throw new Error('no receiver: run these tests with make test-receiver');
  const data = mkdtempSync(join(tmpdir(), 'victoria-logs-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const anyTime = ['-retentionPeriod=100y', '-futureRetention=100y'];
  const args = [`-httpListenAddr=${new URL(url).host}`, `-storageDataPath=${data}`, '-loggerLevel=WARN', ...anyTime];
  const child = spawn(binary, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(data, { recursive: true });
  });
  await get(`${url}/health`, START_TIMEOUT_MS);
  return {
    endpoint: `${url}${PUSH_PATH}`,
    async entries() {
      await get(`${url}/internal/force_flush`);
      const lines = (await get(`${url}/select/logsql/query?query=*`)).split('\n').filter(Boolean);
      return lines.map(toEntry).sort((a, b) => (a.timestampNs < b.timestampNs ? -1 : 1));
    },
  };
}

/** Asks until there is an answer, for so long. */
async function get(url: string, forMs = 0): Promise<string> {
  const giveUpAtMs = Date.now() + forMs;
  for (;;) {
    try {
      const answer = await fetch(url);
      const text = await answer.text();
      if (answer.ok) return text;
      throw new Error(`${answer.status} to ${url}: ${text}`);
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await sleep(20);
    }
  }
}

function toEntry(json: string): StoredEntry {
  const { _msg: line = '', _stream: stream = '', _time: time = '', _stream_id: _, ...fields } = JSON.parse(json);
  const labels: Record<string, string> = {};
  // {name="value",...}, the values quoted as Go does it: the same as JSON but for control characters.
  for (const [, name = '', value] of stream.matchAll(/([^{,="]+)=("(?:[^"\\]|\\.)*")/g)) {
    labels[name] = JSON.parse(value);
    delete fields[name];
  }
  return { labels, timestampNs: nanoseconds(time), line, metadata: fields, requestIndex: 0, stream };
}

/** As in 2026-01-05T10:09:00.123456789Z, with as many digits as are needed. */
function nanoseconds(time: string): bigint {
  const [second = '', fraction = ''] = time.replace('Z', '').split('.');
  return BigInt(Date.parse(`${second}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
