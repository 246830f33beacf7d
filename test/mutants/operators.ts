// Small faults, each in one line of the text of a file: what somebody could get wrong and tests should notice.

export interface Mutant {
  /** From 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** What is found in a line, and what is put in its place; each place is a mutant of its own. */
const OPERATORS: readonly (readonly [RegExp, (found: string) => readonly string[]])[] = [
  // Off by one is a matter of `<=`, but for the smallest; a constant that is off is so by more.
  [
    /(?<![\w.$'"])\d[\d_]*(?:\.\d+)?(?![\w.'"])/g,
    (number) => [number < '3' && number.length === 1 ? `(${number} + 1)` : `(${number} * 2)`],
  ],
  [/ (?:<=|>=) /g, (sign) => [sign.replace('=', '')]],
  [/ (?:<|>) /g, (sign) => [`${sign.trimEnd()}= `, sign === ' < ' ? ' > ' : ' < ']],
  [/ [!=]== /g, (sign) => [sign === ' === ' ? ' !== ' : ' === ']],
  [/ (?:&&|\|\|) /g, (sign) => [sign === ' && ' ? ' || ' : ' && ']],
  [/ \?\? [\w.]+/g, () => ['']],
  [/ [+-] /g, (sign) => [sign === ' + ' ? ' - ' : ' + ']],
  [/ [+-]= /g, (sign) => [sign === ' += ' ? ' -= ' : ' += ']],
  [/(?<=\w)(?:\+\+|--)/g, (sign) => [sign === '++' ? '--' : '++']],
  [/\bMath\.(?:min|max)\b/g, (call) => [call.endsWith('min') ? 'Math.max' : 'Math.min']],
  [/(?<=[ (])!(?=[\w(])/g, () => ['']],
  [/\b(?:true|false)\b/g, (word) => [word === 'true' ? 'false' : 'true']],
  [/(?<!Math\.(?:min|max))\(\w+, \w+\)(?! =>| \{|:)/g, (pair) => [pair.replace(/(\w+), (\w+)/, '$2, $1')]],
  [/\bNumber\.(?:POSITIVE|NEGATIVE)_INFINITY\b/g, () => ['0']],
];

/** A whole statement in one line, which is left out. */
const STATEMENT = /^(\s*)(?!(?:const|let|type|import|export|readonly|throw)\b)[\w.#]+(?:[.(?]| [-+?&|]*= |\+\+|--).*;$/;
const LEAVING = /^(\s*)(?:(?:else )?if \(.*\) )?(?:return|continue|break);$/;

/** Comments, imports and what there are only types in. */
const NO_CODE =
  /^\s*(?:\/\/|\/?\*|import\b|\} from |export (?:type|interface|\*)|interface\b|type\b|readonly\b|declare\b|case ')/;

/** All mutants of a text. Comments at the end of a line and text in quotes are left alone. */
export function mutantsOf(text: string): readonly Mutant[] {
  const mutants: Mutant[] = [];
  let isType = false;
  for (const [index, before] of text.split('\n').entries()) {
    if (/^(?:export )?(?:interface\b|type .*[={|]$)/.test(before)) isType = true;
    if (!isType && !NO_CODE.test(before)) {
      for (const after of changesOf(before)) mutants.push({ line: index + 1, before, after });
    }
    if (/^\S.*(?:\}|;)$|^\}$/.test(before)) isType = false;
  }
  return mutants;
}

function* changesOf(line: string): Generator<string> {
  if (STATEMENT.test(line) || LEAVING.test(line)) yield line.replace(/^(\s*).*$/, '$1;');
  const quoted = [...line.matchAll(/'(?:[^'\\]|\\.)*'|\/\/ .*$|(?<=[(,=:[!&|?] ?)\/(?:[^/\\]|\\.)+\/[a-z]*/g)];
  const isQuoted = (at: number) => quoted.some(({ index, 0: { length } }) => at >= index && at < index + length);
  for (const [pattern, replacements] of OPERATORS) {
    for (const { index, 0: found } of line.matchAll(pattern)) {
      if (isQuoted(index)) continue;
      for (const replacement of replacements(found)) {
        yield line.slice(0, index) + replacement + line.slice(index + found.length);
      }
    }
  }
}

/** The text with one of its lines changed. */
export function withMutant(text: string, { line, after }: Mutant): string {
  return text
    .split('\n')
    .map((before, index) => (index === line - 1 ? after : before))
    .join('\n');
}
