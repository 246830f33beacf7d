// What is still held after a collection of garbage: for tests that something does not keep the text it was cut out of.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** How many bytes the heap grows by while something is made that the caller still holds. */
export function heapGrowthOf(make: () => unknown): number {
  collectGarbage();
  const beforeBytes = process.memoryUsage().heapUsed;
  const made = make();
  collectGarbage();
  const growth = process.memoryUsage().heapUsed - beforeBytes;
  // It lives until here.
  if (made === growth) throw new Error('not to be reached');
  return growth;
}
