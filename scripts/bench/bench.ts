// What every section is given, and how it takes its samples: the executables by turns, forwards and backwards, so that a
// machine that gets slower or faster during the run does so for all of them.

import { openCpuShare } from '../../test/fakes/cpu-share.ts';
import { type Figure, type FigureOptions, type Subject, toFigure } from './figures.ts';
import type { Settings } from './sandbox.ts';
import type { Sink } from './sink.ts';

export interface Candidate {
  readonly subject: Subject;
  readonly executable: string;
}

export interface Bench {
  /** This tree's, and that of BASE where there is one. */
  readonly extensions: readonly [ours: Candidate, ...base: Candidate[]];
  readonly floor: Candidate;
  /** The floor and the extensions. */
  readonly all: readonly Candidate[];
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

/** Whether a process can be given the share of a CPU that a small function has; says so where it cannot. */
export function canShareCpu(): boolean {
  using probe = openCpuShare(128);
  if (probe === undefined) console.warn('warning: no control group can be made here: all has a whole CPU');
  return probe !== undefined;
}

/** The samples of each executable. */
export interface Taken<T> {
  /** One value of each sample. */
  pick(value: (sample: T) => number): Partial<Record<Subject, number[]>>;
  /** These values summed up. */
  figure(name: string, unit: string, value: (sample: T) => number, options?: FigureOptions): Figure;
  /** The parts of all samples; an executable whose samples have none is left out. */
  parts<Part>(of: (sample: T) => readonly Part[]): Taken<Part>;
}

/** Takes `runs` samples of each executable by turns. */
export async function alternate<T>(
  candidates: readonly Candidate[],
  runs: number,
  measure: (candidate: Candidate, run: number) => Promise<T>,
): Promise<Taken<T>> {
  const samples = await byTurns(candidates, runs, measure);
  return taken(samples.map(([{ subject }, all]) => [subject, all]));
}

/** Takes `runs` samples of each by turns, forwards and backwards. */
export async function byTurns<Each, T>(
  measured: readonly Each[],
  runs: number,
  measure: (each: Each, run: number) => Promise<T>,
): Promise<[Each, T[]][]> {
  const samples = measured.map((each): [Each, T[]] => [each, []]);
  for (let run = 0; run < runs; run++) {
    for (const [each, all] of run % 2 === 0 ? samples : samples.toReversed()) all.push(await measure(each, run));
  }
  return samples;
}

function taken<T>(samples: readonly (readonly [Subject, readonly T[]])[]): Taken<T> {
  const pick: Taken<T>['pick'] = (value) =>
    Object.fromEntries(samples.map(([subject, all]) => [subject, all.map(value)]));
  return {
    pick,
    figure: (name, unit, value, options) => toFigure(name, unit, pick(value), options),
    parts(of) {
      const parts = samples.map(([subject, all]) => [subject, all.flatMap(of)] as const);
      return taken(parts.filter(([, all]) => all.length > 0));
    },
  };
}
