// Configurations of a single-process Loki for tests: ready in under a second, loopback only, all data in one directory.
// Keys and defaults: https://grafana.com/docs/loki/latest/configure/ . An unknown key is fatal at Loki's start.

/** Where a Loki listens and keeps its data. */
export type LokiPlace = { readonly dataDir: string; readonly httpPort: number; readonly grpcPort: number };

/** A part of Loki's configuration, as the YAML would hold it. */
export type LokiSettings = { readonly [key: string]: unknown };

/**
 * Changes to the minimal configuration, by what they make Loki do. Give several by spreading them in order through
 * `mergeSettings`. Rates are in Loki's unit of 1,048,576 bytes a second.
 */
export const lokiVariants = {
  /** About 1 KiB/s for a tenant, burst 2 KiB: three lines of 1,000 bytes at once are answered with 429. */
  lowRate: { limits_config: { ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.002 } },
  /** 64 KiB/s for a tenant, burst 128 KiB: real batches meet 429 and still get through in seconds. */
  mediumRate: { limits_config: { ingestion_rate_mb: 0.0625, ingestion_burst_size_mb: 0.125 } },
  /** 500 bytes a second for one stream, burst 1,000. */
  lowStreamRate: { limits_config: { per_stream_rate_limit: 500, per_stream_rate_limit_burst: 1000 } },
  /** Two streams at a time. */
  fewStreams: { limits_config: { max_global_streams_per_user: 2 } },
  /** 413 above 10,000 bytes on the wire, 400 above 20,000 bytes decompressed. */
  smallRequests: { distributor: { max_recv_msg_size: 10_000, max_decompressed_size: 20_000 } },
  /** Every entry that carries structured metadata is refused with 400. */
  noMetadata: { limits_config: { allow_structured_metadata: false } },
  /** Every push is answered with 260. */
  blocked: { limits_config: { block_ingestion_until: '2036-01-01T00:00:00Z' } },
  /** A tenant is required; tenant `limited` has the low rate, tenant `blocked` gets 260, others are free. */
  multiTenant: { auth_enabled: true, querier: { multi_tenant_queries_enabled: true } },
  /** No check of age, and old entries can be read at once: for fixtures with fixed times. */
  anyAge: {
    limits_config: {
      reject_old_samples: false,
      creation_grace_period: '1000000h',
      split_queries_by_interval: '0s',
      max_query_length: '0s',
    },
    // An entry is refused when it is older than the newest of its stream by half of this. It is all that Go can express: 146
    // years, just enough for 1970 and 2099 in one stream.
    ingester: { max_chunk_age: '2562047h' },
    querier: { query_ingesters_within: '0s' },
  },
} as const satisfies Record<string, LokiSettings>;

/** Per-tenant limits of the `multiTenant` variant. Loki reads the file again every 10 s. */
export const multiTenantOverrides: LokiSettings = {
  overrides: {
    limited: { ingestion_rate_mb: 0.001, ingestion_burst_size_mb: 0.001 },
    blocked: { block_ingestion_until: '2036-01-01T00:00:00Z' },
  },
};

/** The minimal configuration. JSON is YAML, so that `JSON.stringify` of it is a file that Loki reads. */
export function minimalConfig(place: LokiPlace, overridesFile: string): LokiSettings {
  const { dataDir, httpPort, grpcPort } = place;
  const index = { prefix: 'index_', period: '24h' };
  return {
    auth_enabled: false,
    analytics: { reporting_enabled: false },
    server: {
      http_listen_address: '127.0.0.1',
      http_listen_port: httpPort,
      grpc_listen_address: '127.0.0.1',
      grpc_listen_port: grpcPort,
      log_level: 'warn',
    },
    // Without these two, /ready takes 15 s: a ring member waits, and workers look for a scheduler.
    ingester: { lifecycler: { min_ready_duration: '0s' }, wal: { enabled: true, dir: `${dataDir}/wal` } },
    frontend_worker: { frontend_address: `127.0.0.1:${grpcPort}` },
    common: {
      path_prefix: dataDir,
      instance_addr: '127.0.0.1',
      replication_factor: 1,
      ring: { kvstore: { store: 'inmemory' } },
      storage: { filesystem: { chunks_directory: `${dataDir}/chunks`, rules_directory: `${dataDir}/rules` } },
    },
    schema_config: {
      configs: [{ from: '1970-01-01', store: 'tsdb', object_store: 'filesystem', schema: 'v13', index }],
    },
    limits_config: { allow_structured_metadata: true },
    runtime_config: { file: overridesFile },
  };
}

/** Later settings win; objects are merged key by key, everything else is replaced. */
export function mergeSettings(...parts: readonly LokiSettings[]): LokiSettings {
  const merged: Record<string, unknown> = {};
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const before = merged[key];
      merged[key] = isSettings(before) && isSettings(value) ? mergeSettings(before, value) : value;
    }
  }
  return merged;
}

function isSettings(value: unknown): value is LokiSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
