// Gives memory back. V8 leaves garbage in its old generation until a sandbox of 128 MB would feel it, and must not tidy
// up when it thinks that there is time (late/load.sea.ts says why). A collection takes about 16 ms of CPU, which is
// 220 ms at the CPU share of 128 MB. So we collect only when the old generation has really grown, and only while the
// function runs or the sandbox is idle: work begun after asking for the next event would run into the freeze and hold
// up the next invocation.
import type { Clock, Timer } from './time.ts';

export interface Heap {
  /** Bytes in use: objects and their buffers. */
  usedBytes(): number;
  /** Returns the pages to the system too. */
  collectGarbage(): void;
}

export interface Tidier {
  /** Tells that the next event has been asked for. */
  idle(): void;
  /** Tells that an invocation has begun. Its own work comes first; we collect while the function runs. */
  awake(): void;
}

/**
 * By how much the least that was in use after each of so many invocations has grown. The young generation fills up
 * within ten invocations or so and V8 tidies it up cheaply: the least is what that has left. How much is young could be
 * asked too, but not for free. With few lines this means one collection in 2,000 invocations.
 */
const GROWTH_BYTES = 2 * 1024 * 1024;
const OBSERVED_INVOCATIONS = 64;
/** More than the young generation holds is left by a flood: 25 MB of private memory, or 20 when collected. */
const FLOOD_BYTES = 4 * 1024 * 1024;
/**
 * The most that is in use after an invocation. Anything above is garbage, in case the first invocation brings a flood.
 */
const USUAL_BYTES = 10 * 1024 * 1024;
/** A sandbox still awake this long after the end of an invocation is idle. */
const IDLE_MS = 1_000;

/** @param defer runs a function later, after pending input has been read */
export function createTidier(heap: Heap, clock: Clock, defer: (run: () => void) => void): Tidier {
  let invoked = false;
  let baseBytes = USUAL_BYTES;
  let leastBytes = Number.POSITIVE_INFINITY;
  let observed = 0;
  let hasGrown = false;
  let isDue = false;
  let timer: Timer | undefined;

  function observe(usedBytes: number): void {
    baseBytes = Math.min(baseBytes, usedBytes);
    leastBytes = Math.min(leastBytes, usedBytes);
    if (usedBytes - baseBytes >= FLOOD_BYTES) isDue = true;
    if (++observed < OBSERVED_INVOCATIONS) return;
    if (leastBytes - baseBytes >= GROWTH_BYTES) {
      // What grows first is code that V8 compiles, and it stays.
      if (hasGrown) isDue = true;
      else baseBytes = leastBytes;
      hasGrown = true;
    }
    observed = 0;
    leastBytes = Number.POSITIVE_INFINITY;
  }

  function collect(): void {
    if (!isDue) return;
    isDue = false;
    heap.collectGarbage();
    baseBytes = heap.usedBytes();
  }

  return {
    idle() {
      // Until then the heap grows by what the first record needs.
      if (!invoked) return;
      observe(heap.usedBytes());
      if (isDue) timer = clock.after(IDLE_MS, collect);
    },
    awake() {
      invoked = true;
      timer?.cancel();
      timer = undefined;
      if (isDue) defer(collect);
    },
  };
}

/**
 * Copies bytes into memory of their own: what is kept for longer than a moment must not keep 8 KB of Node.js's pool.
 */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * Frees memory at once instead of when V8 next collects: during a flood that is megabytes later, in a frozen sandbox
 * perhaps never. Every buffer in this memory is empty from then on.
 */
export function free(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0);
}
