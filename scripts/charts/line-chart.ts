// A chart of lines over time as SVG, with the stretch marked in which something is wrong.

import { drawing, escaped, legend } from './drawing.ts';

export interface LineChart {
  readonly title: string;
  /** What is measured, and how: one line under the title. */
  readonly about: string;
  /** A value for each second. */
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Seconds, and what is wrong between them. */
  readonly zone?: { readonly from: number; readonly until: number; readonly name: string };
  /** Of a value. */
  readonly unit: string;
}

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 72;
const RIGHT = 24;
const TOP = 96;
const BOTTOM = 44;
const STEPS = 4;

export function lineChart({ title, about, series, zone, unit }: LineChart): string {
  const seconds = Math.max(...series.map(({ values }) => values.length));
  const top = niceTop(Math.max(...series.flatMap(({ values }) => values)));
  const x = (second: number) => LEFT + (second / seconds) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const place = (value: number) => value.toFixed(1);
  const lines = [
    `<text class="title" x="16" y="30">${escaped(title)}</text>`,
    `<text class="about" x="16" y="52">${escaped(about)}</text>`,
    ...legend(
      series.map(({ name }) => name),
      LEFT,
    ),
  ];
  if (zone) {
    const left = x(zone.from);
    const width = x(zone.until) - left;
    lines.push(
      `<rect class="zone" x="${place(left)}" y="${TOP}" width="${place(width)}" height="${HEIGHT - TOP - BOTTOM}"/>`,
      `<text class="about" x="${place(left + 8)}" y="${TOP + 18}">${escaped(zone.name)}</text>`,
    );
  }
  for (let step = 0; step <= STEPS; step++) {
    const value = (top * step) / STEPS;
    lines.push(
      `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(value))}" y2="${place(y(value))}"/>`,
      `<text class="name" x="${LEFT - 8}" y="${place(y(value) + 5)}">${Math.round(value).toLocaleString('en')}</text>`,
    );
  }
  for (let second = 0; second <= seconds; second += tickOf(seconds)) {
    lines.push(`<text class="tick" x="${place(x(second))}" y="${HEIGHT - BOTTOM + 20}">${second} s</text>`);
  }
  for (const [index, { values }] of series.entries()) {
    const points = values.map((value, second) => `${place(x(second))},${place(y(value))}`).join(' ');
    lines.push(`<polyline class="line line-${index}" points="${points}"/>`);
  }
  const described = series
    .map(({ name, values }) => `${name}: at most ${Math.round(Math.max(...values))} ${unit}`)
    .join('; ');
  return drawing({ title, described, width: WIDTH, height: HEIGHT, lines });
}

/** A round number that is not much more. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return ([1, 1.5, 2, 4, 6, 8, 10].find((factor) => factor * power >= most) ?? 10) * power;
}

function tickOf(seconds: number): number {
  return [10, 20, 30, 60, 120, 300].find((tick) => seconds / tick <= 10) ?? 600;
}
