// A chart of horizontal bars as SVG, for pages that are read in the light and in the dark. Text is text, so it can be searched and
// read aloud; every bar has its value beside it, so nobody has to guess from an axis.

import { drawing, escaped, legend } from './drawing.ts';

export interface BarChart {
  readonly title: string;
  /** What is measured, and how: one line under the title. */
  readonly about: string;
  readonly series: readonly string[];
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly show: (value: number) => string;
}

const WIDTH = 760;
const BAR = 18;
const GAP = 4;
const BETWEEN_GROUPS = 16;
const LEFT = 210;
const RIGHT = 110;
const TOP_WITH_LEGEND = 92;
const TOP_WITHOUT = 70;

export function barChart({ title, about, series, groups, show }: BarChart): string {
  const most = Math.max(...groups.flatMap(({ values }) => values));
  const groupHeight = series.length * (BAR + GAP) - GAP + BETWEEN_GROUPS;
  const start = series.length === 1 ? TOP_WITHOUT : TOP_WITH_LEGEND;
  const height = start + groups.length * groupHeight + 8;
  const lines = [
    `<text class="title" x="16" y="30">${escaped(title)}</text>`,
    `<text class="about" x="16" y="52">${escaped(about)}</text>`,
    ...legend(series, LEFT),
  ];
  for (const [index, { name, values }] of groups.entries()) {
    const top = start + index * groupHeight;
    const middle = top + (groupHeight - BETWEEN_GROUPS) / 2 + 5;
    lines.push(`<text class="name" x="${LEFT - 12}" y="${middle}">${escaped(name)}</text>`);
    for (const [at, value] of values.entries()) {
      const y = top + at * (BAR + GAP);
      const width = Math.max(((WIDTH - LEFT - RIGHT) * value) / most, 1).toFixed(1);
      lines.push(`<rect class="series-${at}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`);
      lines.push(`<text x="${(LEFT + Number(width) + 8).toFixed(1)}" y="${y + 14}">${escaped(show(value))}</text>`);
    }
  }
  return drawing({ title, described: described(series, groups, show), width: WIDTH, height, lines });
}

/** All that the chart shows, for those who hear it. */
function described(series: readonly string[], groups: BarChart['groups'], show: BarChart['show']): string {
  return groups
    .map(({ name, values }) => `${name}: ${values.map((value, at) => `${series[at]} ${show(value)}`).join(', ')}`)
    .join('; ');
}
