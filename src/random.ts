// Randomness, drawn once and only on demand, which is after the first event. A snapshot is restored many times: a
// generator that had been used before the snapshot would yield the same numbers in every copy. Nothing here throws.
import { readFileSync } from 'node:fs';

/**
 * Sixteen hexadecimal digits from the kernel. If its file is missing or we are out of descriptors, they come from
 * OpenSSL, which has to be loaded for it.
 */
export function drawHex(readUuid = readKernelUuid): string {
  let uuid: string;
  try {
    uuid = readUuid();
  } catch {
    uuid = crypto.randomUUID();
  }
  return uuid.replaceAll('-', '').slice(0, 16);
}

function readKernelUuid(): string {
  return readFileSync('/proc/sys/kernel/random/uuid', 'latin1');
}

/**
 * Uniformly distributed numbers between 0 and 1, for jitter. The first call draws the seed (xorshift, 32 bits).
 * @param drawSeed returns at least eight hexadecimal digits
 */
export function createRandom(drawSeed: () => string = drawHex): () => number {
  let state = 0;
  return () => {
    // Zero is a fixed point of xorshift.
    if (state === 0) state = Number.parseInt(drawSeed().slice(0, 8), 16) || 1;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
