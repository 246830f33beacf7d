// What became of each region, as a table for people: aligned, and each ARN in one piece.

export interface Row {
  readonly region: string;
  readonly arn?: string;
  /** What failed, in the words of the CLI. */
  readonly trouble?: string;
}

export function table(rows: readonly Row[]): string {
  const width = Math.max('region'.length, ...rows.map(({ region }) => region.length));
  const line = (region: string, rest: string) => `${region.padEnd(width)}  ${rest}`;
  const texts = rows.map(({ region, arn, trouble }) => {
    const failed = trouble === undefined ? '' : `FAILED: ${trouble}`;
    return line(region, [arn, failed].filter(Boolean).join('  '));
  });
  return [line('region', 'layer version'), ...texts].join('\n');
}
