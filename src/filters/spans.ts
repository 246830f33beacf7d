// Spans in a text: the start and the end of each, one after the other in a flat list.

export type Spans = readonly number[];

/** Sorts spans, and merges those that overlap or touch. */
export function mergeSpans(spans: Spans): number[] {
  const starts = Array.from({ length: spans.length / 2 }, (_, index) => index * 2);
  starts.sort((a, b) => (spans[a] as number) - (spans[b] as number));
  const merged: number[] = [];
  for (const at of starts) {
    const start = spans[at] as number;
    const end = spans[at + 1] as number;
    const last = merged.length - 1;
    if (last > 0 && start <= (merged[last] as number)) merged[last] = Math.max(merged[last] as number, end);
    else if (end > start) merged.push(start, end);
  }
  return merged;
}

/** Replaces each of these spans, which are in order. */
export function replaceSpans(text: string, spans: Spans, replacement: string): string {
  let result = '';
  let from = 0;
  for (let at = 0; at < spans.length; at += 2) {
    result += text.slice(from, spans[at]) + replacement;
    from = spans[at + 1] as number;
  }
  return result + text.slice(from);
}
