// What scripts write into pages: tables in Markdown, each between two marks.

/** The page with this text between its marks. @throws when it has lost them */
export function withTextBetween(
  page: string,
  name: string,
  [begin, end]: readonly [string, string],
  text: string,
): string {
  const [from, until] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || until < from) throw new Error(`${name} has lost its marks: ${begin.trim()} ... ${end}`);
  return page.slice(0, from + begin.length) + text + page.slice(until);
}

/** The first row is the heading. Numbers stand to the right in all columns but the first. */
export function markdownTable(rows: readonly (readonly string[])[], align: 'left' | 'right' = 'right'): string {
  const [heading = [], ...others] = rows;
  const rule = heading.map((_, column) => (column === 0 || align === 'left' ? '---' : '---:'));
  return [heading, rule, ...others].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
