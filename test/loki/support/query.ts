// Reads back from Loki what was stored, entry by entry, through its HTTP query API.
// Promises: every entry of the window, oldest first, also beyond Loki's 5,000 a call; stream labels and structured
// metadata kept apart (`categorize-labels`). https://grafana.com/docs/loki/latest/reference/loki-http-api/

/** One stored entry. `timestampNs` is nanoseconds since the epoch. */
export type StoredEntry = {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampNs: bigint;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Labels that a parser in the query made (`| json`). */
  readonly parsed: Readonly<Record<string, string>>;
};

/** One series of an instant metric query. */
export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** Half-open window [startNs, endNs). */
export type QueryWindow = { readonly startNs: bigint; readonly endNs: bigint };

export type LokiQuery = {
  /** All entries of a log query in the window, by timestamp. Throws with Loki's own words on any answer but 200. */
  entries(query: string, window?: QueryWindow): Promise<StoredEntry[]>;
  /** An instant metric query at `atNs` (default: now). */
  instant(query: string, atNs?: bigint): Promise<Sample[]>;
  /** Values of a metric query over a window, one list per series. */
  range(
    query: string,
    window: QueryWindow,
    stepSeconds: number,
  ): Promise<{ labels: Sample['labels']; values: number[] }[]>;
  /** Any GET of the API, parsed. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  /** Moves what is in memory to the store. */
  flush(): Promise<void>;
};

type RawValue = readonly [
  string,
  string,
  { readonly structuredMetadata?: Record<string, string>; readonly parsed?: Record<string, string> }?,
];
type RawStream = { readonly stream: Record<string, string>; readonly values: readonly RawValue[] };
type RawSeries = {
  readonly metric: Record<string, string>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
};

const PAGE_ENTRIES = 5_000;
const HOUR_NS = 3_600_000_000_000n;

/** `tenant` is sent as X-Scope-OrgID; `a|b` asks for several. */
export function lokiQuery(url: string, tenant?: string): LokiQuery {
  const headers: Record<string, string> = { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' };
  if (tenant !== undefined) headers['X-Scope-OrgID'] = tenant;

  async function get(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const answer = await fetch(`${url}${path}?${new URLSearchParams(parameters)}`, { headers });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`Loki answered ${answer.status} to ${path}: ${text.trim()}`);
    return JSON.parse(text);
  }

  async function page(query: string, window: QueryWindow): Promise<StoredEntry[]> {
    const parameters = {
      query,
      start: String(window.startNs),
      end: String(window.endNs),
      limit: String(PAGE_ENTRIES),
      direction: 'forward',
    };
    const answer = (await get('/loki/api/v1/query_range', parameters)) as { data: { result: RawStream[] } };
    return answer.data.result.flatMap(flatten).sort(byTimestamp);
  }

  async function entries(query: string, window: QueryWindow = lastHour()): Promise<StoredEntry[]> {
    const all: StoredEntry[] = [];
    let startNs = window.startNs;
    while (startNs < window.endNs) {
      const next = await page(query, { startNs, endNs: window.endNs });
      if (next.length < PAGE_ENTRIES) return all.concat(next);
      const lastNs = next.at(-1)?.timestampNs ?? startNs;
      // A full page may end within one nanosecond: that nanosecond is left to the next page.
      const whole = next.filter((entry) => entry.timestampNs < lastNs);
      if (whole.length === 0) throw new Error(`more than ${PAGE_ENTRIES} entries at ${lastNs} ns`);
      all.push(...whole);
      startNs = lastNs;
    }
    return all;
  }

  return {
    entries,
    get,
    async instant(query, atNs) {
      const parameters = { query, ...(atNs === undefined ? {} : { time: String(atNs) }) };
      const answer = (await get('/loki/api/v1/query', parameters)) as { data: { result: RawSeries[] } };
      return answer.data.result.map((one) => ({ labels: one.metric, value: Number(one.value?.[1]) }));
    },
    async range(query, window, stepSeconds) {
      const parameters = { query, start: String(window.startNs), end: String(window.endNs), step: String(stepSeconds) };
      const answer = (await get('/loki/api/v1/query_range', parameters)) as { data: { result: RawSeries[] } };
      return answer.data.result.map((one) => ({
        labels: one.metric,
        values: (one.values ?? []).map(([, value]) => Number(value)),
      }));
    },
    async flush() {
      const answer = await fetch(`${url}/flush`, { method: 'POST', headers });
      if (answer.status !== 204) throw new Error(`Loki answered ${answer.status} to /flush: ${await answer.text()}`);
    },
  };
}

/** From an hour ago to a minute ahead. */
export function lastHour(): QueryWindow {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  return { startNs: nowNs - HOUR_NS, endNs: nowNs + HOUR_NS / 60n };
}

function flatten(raw: RawStream): StoredEntry[] {
  return raw.values.map(([timestamp, line, extra]) => ({
    labels: raw.stream,
    timestampNs: BigInt(timestamp),
    line,
    metadata: extra?.structuredMetadata ?? {},
    parsed: extra?.parsed ?? {},
  }));
}

function byTimestamp(a: StoredEntry, b: StoredEntry): number {
  return a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0;
}
