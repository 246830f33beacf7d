// What every section is given, and how it takes its samples: the executables by turns, forwards and backwards, so that a
// machine that gets slower or faster during the run does so for all of them.

import { type Figure, type FigureOptions, type Subject, toFigure } from './figures.ts';
import type { Settings } from './sandbox.ts';
import type { Sink } from './sink.ts';

export interface Candidate {
  readonly subject: Subject;
  readonly executable: string;
}

export interface Bench {
  /** This tree's, and that of BASE where there is one. */
  readonly extensions: readonly Candidate[];
  readonly floor: Candidate;
  /** How many samples of what is quick to measure. */
  readonly runs: number;
  /** How many samples of what takes seconds. */
  readonly longRuns: number;
  /** A smoke test: the figures mean nothing. */
  readonly quick: boolean;
  readonly sink: Sink;
}

/** The settings of a healthy function whose Loki is the sink. */
export function settings(bench: Bench, more: Settings = {}): Settings {
  return { LOKI_PUSH_ENDPOINT: bench.sink.url, ...more };
}

/** The samples of each executable. */
export interface Taken<T> {
  /** One value of each sample. */
  pick(value: (sample: T) => number): Partial<Record<Subject, number[]>>;
  /** These values summed up. */
  figure(name: string, unit: string, value: (sample: T) => number, options?: FigureOptions): Figure;
}

/** Takes `runs` samples of each candidate by turns. */
export async function alternate<T>(
  candidates: readonly Candidate[],
  runs: number,
  measure: (candidate: Candidate, run: number) => Promise<T>,
): Promise<Taken<T>> {
  const samples = new Map<Subject, T[]>(candidates.map(({ subject }) => [subject, []]));
  for (let run = 0; run < runs; run++) {
    for (const candidate of run % 2 === 0 ? candidates : candidates.toReversed()) {
      samples.get(candidate.subject)?.push(await measure(candidate, run));
    }
  }
  return taken(samples);
}

export function taken<T>(samples: ReadonlyMap<Subject, readonly T[]>): Taken<T> {
  const pick: Taken<T>['pick'] = (value) =>
    Object.fromEntries([...samples].map(([subject, all]) => [subject, all.map(value)]));
  return { pick, figure: (name, unit, value, options) => toFigure(name, unit, pick(value), options) };
}
