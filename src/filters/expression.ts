// A regular expression as people write it: JavaScript's syntax with the flag `u`, and what Loki and others allow
// besides, if it has only one meaning. Whatever would silently mean something else is reported, with its position.

export interface Expression {
  /** Stateless: has neither the flag `g` nor `y`. */
  readonly regExp: RegExp;
  /**
   * The most steps per character of any text; infinite if no bound is known.
   */
  readonly steps: number;
}

export interface ExpressionProblem {
  /** V8's message, in lower case. */
  readonly reason: string;
  /** The position of the first invalid character, from 1. */
  readonly at: number;
}

/** Flags at the very beginning, as in Go and Python: ignore case, dot matches newline, `^` and `$` match at lines. */
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
 * Characters that need no backslash, and that the flag `u` forbids after one: `\-`, `\"`, `\:`.
 */
const NEEDLESS = /^\\([ !"#%&',\-:;<=>@_`~])/;
/** A hyphen next to a class inside brackets cannot be a range. */
const HYPHEN = /(\\[dswDSW])-(?!\])|-(?=\\[dswDSW])/g;

interface Token {
  /** Its position in the text as written. */
  readonly at: number;
  /** The same in JavaScript's syntax. */
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
  // A lone bracket or brace that neither opens nor closes anything.
  if (token === '{' || token === '}' || token === ']') return `\\${token}`;
  if (token.startsWith('(?P<')) return `(?${token.slice(3)}`;
  const [first] = token;
  if (token.length === 1 || (first !== '\\' && first !== '[')) return token;
  const hyphened = first === '[' ? token.replaceAll(HYPHEN, '$1\\x2d') : token;
  return hyphened.replaceAll(/\\./gs, (pair) => pair.replace(NEEDLESS, (_, sign: string) => hexOf(sign)));
}

const hexOf = (sign: string) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;

/**
 * V8 backtracks into a repetition that something follows, a repeated group, a backreference and a lookaround. Without
 * them the only choices are the alternatives of the groups.
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
 * The first token that makes the expression invalid, whatever follows; if there is none, the group that is never
 * closed.
 */
function placeOf(tokens: readonly Token[], flags: string): number {
  const open: number[] = [];
  let source = '';
  for (const { at, text } of tokens) {
    source += text;
    if (text.startsWith('(')) open.push(at);
    else if (text === ')') open.pop();
    // A lone `(?` gets its meaning only from what follows.
    if (problemOf(source + ')'.repeat(open.length), flags) !== undefined) return at;
  }
  return open.at(-1) ?? 0;
}
