// Chance, drawn once: a snapshot is restored many times, and a generator inside the process that had been used before
// it was made would go on alike in all the copies. So nothing is drawn before it is asked for, which is after the first
// event. Nothing here throws.
import { readFileSync } from 'node:fs';

/**
 * Sixteen hexadecimal digits from the kernel. Where it has no file for us, or we no descriptor for it, from OpenSSL,
 * which costs its loading.
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
 * Numbers evenly drawn from 0 to 1, for jitter: the first draws the seed of all (xorshift of 32 bits).
 * @param drawSeed gives hexadecimal digits, eight at least
 */
export function createRandom(drawSeed: () => string = drawHex): () => number {
  let state = 0;
  return () => {
    // Zero is where it would stay.
    if (state === 0) state = Number.parseInt(drawSeed().slice(0, 8), 16) || 1;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
