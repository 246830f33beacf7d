// What holds for any input: tried on random ones, a fixed number of them. The seed is printed, and an input that once
// broke something is kept as a case of its own test. `PROPERTY_SEED=<number>` repeats a run, `PROPERTY_RUNS=<number>`
// makes it longer.
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';

const RUNS = 300;

/** @param cases inputs that broke it once, tried first */
export function property<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => void,
  cases: readonly T[] = [],
): void {
  test(name, (t: TestContext) => {
    const { PROPERTY_SEED, PROPERTY_RUNS } = process.env;
    const seed = PROPERTY_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(PROPERTY_SEED);
    t.diagnostic(`seed ${seed}`);
    fc.assert(fc.property(inputs, holds), {
      seed,
      numRuns: Number(PROPERTY_RUNS ?? RUNS),
      examples: cases.map((input): [T] => [input]),
    });
  });
}
