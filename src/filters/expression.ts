// A regular expression as a person writes it: that of JavaScript with `u`, and what Loki's and others' have beside it
// where that means one thing only. What would silently mean something else is a problem, which is told with its place.

export interface Expression {
  /** Remembers nothing from one text to the next: no `g`, no `y`. */
  readonly regExp: RegExp;
  /**
   * For each character of a text it takes so many steps at most, whatever the text is; infinite where nobody can say.
   */
  readonly steps: number;
}

export interface ExpressionProblem {
  /** In the words of V8, in lower case. */
  readonly reason: string;
  /** The number of the character at which it stops making sense, from 1. */
  readonly at: number;
}

/** In front of all, as in Go and Python: ignore case, dot matches newline, `^` and `$` at lines. */
const INLINE_FLAGS = /^\(\?([ims]+)\)/;
const TOKEN = new RegExp(
  [
    String.raw`\\(?:[pPu]\{[^}]*\}|k<\w*>|[^])`, // an escape
    String.raw`\[(?:\\[^]|[^\]\\])*\]`, // a class
    String.raw`\(\?(?:<?[=!]|[a-z]*(?:-[a-z]+)?:|P?<[A-Za-z_]\w*>)`, // a group that says what it is
    String.raw`\{\d+(?:,\d*)?\}`, // how often
    '[^]',
  ].join('|'),
  'gu',
);
/**
 * Signs that mean nothing behind a backslash but themselves, and that `u` refuses there all the same: `\-`, `\"`, `\:`.
 */
const NEEDLESS = /^\\([ !"#%&',\-:;<=>@_`~])/;
/** A hyphen beside a class within a class can be no range. */
const HYPHEN = /(\\[dswDSW])-(?!\])|-(?=\\[dswDSW])/g;

interface Token {
  /** Where it stands in what was written. */
  readonly at: number;
  /** As JavaScript has it. */
  readonly text: string;
}

export function readExpression(written: string): Expression | ExpressionProblem {
  const [inline = '', letters = ''] = INLINE_FLAGS.exec(written) ?? [];
  const flags = `${[...new Set(letters)].join('')}u`;
  const tokens: Token[] = [];
  for (const match of written.slice(inline.length).matchAll(TOKEN)) {
    tokens.push({ at: inline.length + match.index, text: toJavaScript(match[0]) });
  }
  const posix = tokens.find(({ text }) => /^\[\^?\[[:.=]/.test(text));
  if (posix) return { reason: 'classes like [:alpha:] are not known, write \\p{L}', at: posix.at + 1 };
  const source = tokens.map(({ text }) => text).join('');
  const problem = problemOf(source, flags);
  if (problem !== undefined) return { reason: problem, at: placeOf(tokens, flags) + 1 };
  return { regExp: new RegExp(source, flags), steps: stepsOf(tokens.map(({ text }) => text)) };
}

function toJavaScript(token: string): string {
  // On its own, a bracket or a brace that closes or opens nothing.
  if (token === '{' || token === '}' || token === ']') return `\\${token}`;
  if (token.startsWith('(?P<')) return `(?${token.slice(3)}`;
  const [first] = token;
  if (token.length === 1 || (first !== '\\' && first !== '[')) return token;
  const hyphened = first === '[' ? token.replaceAll(HYPHEN, '$1\\x2d') : token;
  return hyphened.replaceAll(/\\./gs, (pair) => pair.replace(NEEDLESS, (_, sign: string) => hexOf(sign)));
}

const hexOf = (sign: string) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;

/**
 * What V8 goes back for is a repetition with something behind it, a group that is repeated, and what looks back or
 * around. Without them there is no more to try than each way through the groups.
 */
function stepsOf(tokens: readonly string[]): number {
  let steps = tokens.length;
  let ways = 1;
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (/^\(\?<?[=!]/.test(token) || /^\\[1-9k]/.test(token)) return Number.POSITIVE_INFINITY;
    if (token.startsWith('(')) depth++;
    else if (token === ')') depth--;
    else if (token === '|' && depth > 0) ways *= 2;
    else if (/^(?:[*+?]|\{\d)/.test(token)) {
      const isLast = next === undefined || next === '|' || (next === '?' && tokens.length === index + 2);
      if (depth > 0 || !isLast || tokens[index - 1] === ')') return Number.POSITIVE_INFINITY;
      steps += Number.parseInt(token.slice(1), 10) || 1;
    }
  }
  return steps * ways;
}

function problemOf(source: string, flags: string): string | undefined {
  try {
    new RegExp(source, flags);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    const reason = message.slice(message.lastIndexOf(`/${flags}: `) + flags.length + 3);
    return reason.charAt(0).toLowerCase() + reason.slice(1);
  }
}

/**
 * The first token with which there is a problem, however it might go on; where there is none, the group that is never
 * closed.
 */
function placeOf(tokens: readonly Token[], flags: string): number {
  const open: number[] = [];
  let source = '';
  for (const { at, text } of tokens) {
    source += text;
    if (text.startsWith('(')) open.push(at);
    else if (text === ')') open.pop();
    // Alone it is a group that says what it is only with what follows.
    if (problemOf(source + ')'.repeat(open.length), flags) !== undefined) return at;
  }
  return open.at(-1) ?? 0;
}
