// Gives memory back. V8 lets garbage of its old generation lie until a sandbox of 128 MB would feel it, and does its
// own tidying 8 s after the last activity, which a frozen sandbox never reaches. A collection takes some 8 ms of CPU,
// which is 110 ms at the CPU share of 128 MB. So it is done when memory has really grown, and while the function runs
// or nobody does anything: what is begun after the next event has been asked for falls into the freeze, and the next
// invocation is held for it.
import type { Clock, Timer } from './time.ts';

export interface Heap {
  /** Bytes in use: objects, and the buffers behind them. */
  usedBytes(): number;
  /** @param giveBack whether the pages are given back too, which takes twice the CPU */
  collectGarbage(giveBack: boolean): void;
}

export interface Tidier {
  /** The next event has been asked for. */
  idle(): void;
  /** An invocation has begun. What it asks of us comes first; the function runs meanwhile. */
  awake(): void;
}

/**
 * With few lines that is a collection in 250 invocations. Private memory grows by 3.4 MB in 10,000 of them; by 9
 * without any.
 */
const GROWTH_BYTES = 2 * 1024 * 1024;
/** What is left of a flood: 25 MB of private memory, and 20 when the pages are given back. */
const FLOOD_BYTES = 4 * 1024 * 1024;
/** What is in use after an invocation, at most: more than that is garbage, should the first one bring a flood. */
const USUAL_BYTES = 10 * 1024 * 1024;
/** A sandbox that is awake for so long after the end of an invocation has nothing to do. */
const IDLE_MS = 1_000;

/** @param defer runs something later, after input that is waiting has been read */
export function createTidier(heap: Heap, clock: Clock, defer: (run: () => void) => void): Tidier {
  let invoked = false;
  let baseBytes: number | undefined;
  let grownBytes = 0;
  let timer: Timer | undefined;

  function collect(): void {
    if (grownBytes < GROWTH_BYTES) return;
    heap.collectGarbage(grownBytes >= FLOOD_BYTES);
    grownBytes = 0;
    baseBytes = heap.usedBytes();
  }

  return {
    idle() {
      // Until then the heap grows by what the first record needs.
      if (!invoked) return;
      const usedBytes = heap.usedBytes();
      baseBytes = Math.min(baseBytes ?? USUAL_BYTES, usedBytes);
      grownBytes = usedBytes - baseBytes;
      if (grownBytes >= GROWTH_BYTES) timer = clock.after(IDLE_MS, collect);
    },
    awake() {
      invoked = true;
      timer?.cancel();
      timer = undefined;
      if (grownBytes >= GROWTH_BYTES) defer(collect);
    },
  };
}

/**
 * Gives memory back at once, and not when V8 next collects: in a flood that is megabytes later, in a frozen sandbox it
 * may be never. Every buffer in this memory is empty from then on.
 */
export function free(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0);
}
