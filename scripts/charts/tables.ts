// Reads the tables of docs/benchmarks.md, which `make bench` writes: the result file that is part of the project.

export type TableRow = Readonly<Record<string, string>>;

/** The rows under a heading, of all tables there. @throws when there are none: a section that lost its name would leave a chart empty. */
export function rowsUnder(markdown: string, heading: string): TableRow[] {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  const rows: TableRow[] = [];
  let headings: string[] = [];
  for (const line of section?.split('\n') ?? []) {
    if (!line.startsWith('|')) headings = [];
    else if (headings.length === 0) headings = cellsOf(line);
    else if (!/^\|[ |:-]+$/.test(line))
      rows.push(Object.fromEntries(cellsOf(line).map((cell, at) => [headings[at], cell])));
  }
  if (rows.length === 0) throw new Error(`docs/benchmarks.md has no table under "${heading}"`);
  return rows;
}

/** The row that has these cells. @throws when there is none */
export function rowWith(rows: readonly TableRow[], cells: TableRow): TableRow {
  const found = rows.find((row) => Object.entries(cells).every(([name, cell]) => row[name] === cell));
  if (found === undefined) throw new Error(`docs/benchmarks.md has no row with ${JSON.stringify(cells)}`);
  return found;
}

/** `1,769 MB` is 1769. @throws when the cell is no number */
export function numberIn(row: TableRow, name: string): number {
  const value = Number.parseFloat((row[name] ?? '').replaceAll(',', ''));
  if (!Number.isFinite(value)) throw new Error(`docs/benchmarks.md: ${name} is ${row[name]}, and no number`);
  return value;
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
