/** Whether a setting that takes a text or the path of a file holds a path. */
export function isPath(text: string): boolean {
  return /^\.{0,2}\//.test(text);
}
