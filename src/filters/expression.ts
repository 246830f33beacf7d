// A regular expression as a person writes it: that of JavaScript with `u`, and what Loki's and others' have beside it where that means one
// thing only. What would silently mean something else is a problem, which is told with its place.

export interface Expression {
  /** Remembers nothing from one text to the next: no `g`, no `y`. */
  readonly regExp: RegExp;
  /** Time grows with the length of the text alone, whatever the text is: nothing in it is repeated, and there are no groups. */
  readonly isPlain: boolean;
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
/** Signs that mean nothing behind a backslash but themselves, and that `u` refuses there all the same: `\-`, `\"`, `\:`. */
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
  return { regExp: new RegExp(source, flags), isPlain: tokens.every(({ text }) => isPlain(text)) };
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

/** Neither a group nor a repetition nor a back reference. */
function isPlain(token: string): boolean {
  return !/^(?:[*+?]|\{\d|\(|\\[1-9k])/.test(token);
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

/** The first token with which there is a problem, however it might go on; where there is none, the group that is never closed. */
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
