// Figures: what a section has measured, summed up for each executable, beside the budget it is held against.
// A figure is a statement about a run; the budgets themselves stand where each figure is taken.

/** Which executable: this tree's, Node.js with nothing on top, that of the revision in BASE, or somebody else's. */
export type Subject = 'ours' | 'floor' | 'base' | 'rival';

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly samples: number;
}

export interface Budget {
  /** In words, with its unit: `at most the floor + 6 MB`. */
  readonly text: string;
  readonly met: boolean;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: Readonly<Partial<Record<Subject, Summary>>>;
  readonly budget: Budget | undefined;
  /** How it was taken or what it means, where the name does not say. */
  readonly note: string | undefined;
}

export interface Measurement {
  readonly figures: readonly Figure[];
  /** What does not fit the form of a figure; the first row is the heading. */
  readonly table?: readonly (readonly string[])[];
}

export type Samples = Readonly<Partial<Record<Subject, readonly number[]>>>;

/** Judges the medians of a figure; undefined where what it needs was not measured. */
export type Judge = (medians: Partial<Record<Subject, number>>, unit: string) => Budget | undefined;

export interface FigureOptions {
  readonly judge?: Judge;
  readonly note?: string;
}

/** Sums up the samples. Throws when a subject has none: a figure that was not taken must not look like one. */
export function toFigure(name: string, unit: string, samples: Samples, { judge, note }: FigureOptions = {}): Figure {
  const values: Partial<Record<Subject, Summary>> = {};
  const medians: Partial<Record<Subject, number>> = {};
  for (const [subject, taken] of Object.entries(samples) as [Subject, readonly number[]][]) {
    values[subject] = summarize(taken, `${name} of ${subject}`);
    medians[subject] = values[subject].median;
  }
  return { name, unit, values, budget: judge?.(medians, unit), note };
}

export function atMost(limit: number): Judge {
  return ({ ours }, unit) =>
    ours === undefined ? undefined : { text: `at most ${format(limit)} ${unit}`.trim(), met: ours <= limit };
}

export function atLeast(limit: number): Judge {
  return ({ ours }, unit) =>
    ours === undefined ? undefined : { text: `at least ${format(limit)} ${unit}`.trim(), met: ours >= limit };
}

export function atMostTimesFloor(limit: number): Judge {
  return ({ ours, floor }) =>
    ours === undefined || floor === undefined
      ? undefined
      : { text: `at most ${limit.toFixed(2)} of the floor`, met: ours <= floor * limit };
}

export function atMostAboveFloor(limit: number): Judge {
  return ({ ours, floor }, unit) =>
    ours === undefined || floor === undefined
      ? undefined
      : { text: `at most the floor + ${format(limit)} ${unit}`, met: ours <= floor + limit };
}

export function ratio(figure: Figure, to: 'floor' | 'base'): number | undefined {
  const ours = figure.values.ours?.median;
  const other = figure.values[to]?.median;
  return ours === undefined || other === undefined || other === 0 ? undefined : ours / other;
}

/** @param share 0 to 1; the value below which this share of the sorted values lies, between two neighbours in proportion */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error('no values');
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A number as a reader wants it: three digits that count, whole above a hundred. */
export function format(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : 2);
}

function summarize(values: readonly number[], what: string): Summary {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) {
    throw new Error(`${what} was not measured: ${values.join(', ') || 'no samples'}`);
  }
  return { median: median(values), min: quantile(values, 0), max: quantile(values, 1), samples: values.length };
}
