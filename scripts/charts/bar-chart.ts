// A chart of horizontal bars as SVG, for pages that are read in the light and in the dark. Text is text, so it can be searched and
// read aloud; every bar has its value beside it, so nobody has to guess from an axis.

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

/** Colours that keep a contrast of 3 to their ground, and can be told apart by those who see no red or no green. */
const STYLE = `
    text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-size: 18px; font-weight: 600; }
    .about { fill: #59636e; }
    .name { text-anchor: end; }
    .ground { fill: #ffffff; }
    .series-0 { fill: #0969da; }
    .series-1 { fill: #bf5b00; }
    .series-2 { fill: #6e7781; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .about { fill: #9198a1; }
      .ground { fill: #0d1117; }
      .series-0 { fill: #58a6ff; }
      .series-1 { fill: #f0a052; }
      .series-2 { fill: #9198a1; }
    }`;

export function barChart({ title, about, series, groups, show }: BarChart): string {
  const most = Math.max(...groups.flatMap(({ values }) => values));
  const groupHeight = series.length * (BAR + GAP) - GAP + BETWEEN_GROUPS;
  const start = series.length === 1 ? TOP_WITHOUT : TOP_WITH_LEGEND;
  const height = start + groups.length * groupHeight + 8;
  const lines = [
    `<text class="title" x="16" y="30">${escaped(title)}</text>`,
    `<text class="about" x="16" y="52">${escaped(about)}</text>`,
    ...legend(series),
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
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <desc>${escaped(described(series, groups, show))}</desc>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    ...lines.map((line) => `  ${line}`),
    '</svg>\n',
  ].join('\n');
}

/** One series needs no legend: the title says what it is. */
function legend(series: readonly string[]): string[] {
  if (series.length === 1) return [];
  let x = LEFT;
  return series.flatMap((name, at) => {
    const left = x;
    x += 44 + name.length * 8;
    return [
      `<rect class="series-${at}" x="${left}" y="66" width="12" height="12" rx="2"/>`,
      `<text x="${left + 18}" y="77">${escaped(name)}</text>`,
    ];
  });
}

/** All that the chart shows, for those who hear it. */
function described(series: readonly string[], groups: BarChart['groups'], show: BarChart['show']): string {
  return groups
    .map(({ name, values }) => `${name}: ${values.map((value, at) => `${series[at]} ${show(value)}`).join(', ')}`)
    .join('; ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
