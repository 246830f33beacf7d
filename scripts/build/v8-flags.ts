/**
 * What V8 must know from the start; it takes its code caches with these two. What can wait is set in src/late/load.sea.ts, with the figures.
 * - a young generation that does not grow to 16 MB per half (1 MB would promote too early)
 * - optimizing on the main thread, as each worker thread keeps megabytes of malloc arena to itself for good
 */
export const V8_FLAGS = ['--max-semi-space-size=2', '--no-concurrent-recompilation'];
