// Looks for the pushed line through the query API next to the push address, if there is one and these credentials may
// read. Credentials that may only write are no failure: such a token is a good one.
import type { Endpoint } from '../config/endpoint.ts';
import type { Target } from '../diagnosis/symptoms.ts';
import type { Tools } from '../late/tools.ts';
import type { Way } from '../net/connect.ts';
import type { EpochMs } from '../time.ts';
import { type Step, stepOf } from './step.ts';

const STEP = 'read back';
const PATIENCE_MS = 10_000;
const PAUSE_MS = 400;
const HOUR_MS = 3_600_000;

export async function readBack(
  endpoint: Endpoint,
  way: Way,
  nonce: string,
  userAgent: string,
  target: Target,
  tools: Tools,
): Promise<Step> {
  const { clock } = tools;
  const startMs = clock.now();
  const query = queryUrl(endpoint.url, nonce, startMs);
  if (query === undefined) return skipped('nobody knows where to query at this address');
  const { authorization, tenantId } = endpoint;
  const headers = {
    ...endpoint.headers,
    'user-agent': userAgent,
    ...(authorization !== undefined && { authorization }),
    ...(tenantId !== undefined && { 'x-scope-orgid': tenantId }),
  };
  const send = tools.send(way);
  do {
    try {
      const { status, text } = await send(() => ({ method: 'GET', url: query, headers, body: undefined }));
      if (status === 200 && isFound(text, nonce))
        return { step: STEP, status: 'ok', text: 'the line is there', tookMs: clock.now() - startMs };
      if (status === 401 || status === 403) return skipped(`these credentials may not read (${status})`);
      if (status < 500 && status !== 200 && status !== 429)
        return skipped(`there is no query API beside the push address (${status})`);
    } catch {
      return skipped('the query got no answer');
    }
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  } while (clock.now() < startMs + PATIENCE_MS);
  const diagnosis = tools.diagnosePush({ kind: 'not_read_back', afterMs: clock.now() - startMs }, target);
  return diagnosis ? stepOf(STEP, diagnosis) : skipped('not found');
}

function skipped(why: string): Step {
  return { step: STEP, status: 'skipped', text: `${why}: whether the line is there was not seen` };
}

/** Undefined if the path is neither Loki's nor VictoriaLogs'. */
function queryUrl(pushUrl: string, nonce: string, nowMs: EpochMs): string | undefined {
  const url = new URL(pushUrl);
  const victoria = url.pathname.match(/^(.*)\/insert\/loki\/api\/v1\/push$/);
  const loki = url.pathname.match(/^(.*\/api\/v1)\/push$/);
  if (victoria) {
    url.pathname = `${victoria[1]}/select/logsql/query`;
    url.search = String(new URLSearchParams({ query: `_time:1h "${nonce}"`, limit: '1' }));
    return url.href;
  }
  if (!loki) return undefined;
  url.pathname = `${loki[1]}/query_range`;
  const [start, end] = [nowMs - HOUR_MS, nowMs + HOUR_MS].map((ms) => `${ms}000000`);
  const query = `{source="lambda", type="extension"} |= "${nonce}"`;
  for (const [name, value] of Object.entries({ query, start, end, limit: '1' }))
    url.searchParams.set(name, String(value));
  return url.href;
}

/**
 * Loki's answer never repeats the query, but another server's may. Only a line has the nonce after our name.
 */
function isFound(text: string, nonce: string): boolean {
  return text.includes(`check ${nonce}`) && !text.trimStart().startsWith('<');
}
