// What the charts of the documents have in common: an SVG that is read in the light and in the dark, whose text is text.

/** Colours that keep a contrast of 3 to their ground, and can be told apart by those who see no red or no green. */
const STYLE = `
    text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .title { font-size: 18px; font-weight: 600; }
    .about { fill: #59636e; }
    .name { text-anchor: end; }
    .tick { text-anchor: middle; fill: #59636e; }
    .ground { fill: #ffffff; }
    .series-0 { fill: #0969da; }
    .series-1 { fill: #bf5b00; }
    .series-2 { fill: #6e7781; }
    .line { fill: none; stroke-width: 1.5; }
    .line-0 { stroke: #0969da; }
    .line-1 { stroke: #bf5b00; }
    .axis { stroke: #d1d9e0; stroke-width: 1; }
    .zone { fill: #59636e; opacity: 0.15; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .about, .tick { fill: #9198a1; }
      .ground { fill: #0d1117; }
      .series-0 { fill: #58a6ff; }
      .series-1 { fill: #f0a052; }
      .series-2 { fill: #9198a1; }
      .line-0 { stroke: #58a6ff; }
      .line-1 { stroke: #f0a052; }
      .axis { stroke: #3d444d; }
    }`;

export interface Drawing {
  readonly title: string;
  /** All that it shows, for those who hear it. */
  readonly described: string;
  readonly width: number;
  readonly height: number;
  /** Elements, one on each line. */
  readonly lines: readonly string[];
}

export function drawing({ title, described, width, height, lines }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <desc>${escaped(described)}</desc>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    ...lines.map((line) => `  ${line}`),
    '</svg>\n',
  ].join('\n');
}

/** One series needs no legend: the title says what it is. */
export function legend(series: readonly string[], left: number): string[] {
  if (series.length === 1) return [];
  let x = left;
  return series.flatMap((name, index) => {
    const at = x;
    x += 44 + name.length * 8;
    return [
      `<rect class="series-${index}" x="${at}" y="66" width="12" height="12" rx="2"/>`,
      `<text x="${at + 18}" y="77">${escaped(name)}</text>`,
    ];
  });
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
