// What secrets look like: a few precise patterns. Each search takes linear time: it first looks for a character that
// every match contains, and from there inspects each character only a few times.
import type { Spans } from './spans.ts';

/** Finds exactly the secret part: of a URL the password, of a header the token. */
export type Pattern = (text: string) => Spans;

export const PATTERNS: Readonly<Record<string, Pattern>> = {
  email,
  card,
  'aws-key': matches(
    /(?<![A-Za-z0-9/+])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9/+])/dg,
    // A secret key and a session token look like ordinary text: only the name before them gives them away.
    /secret_?access_?key["'\\]{0,4}\s{0,3}[:=]?>?\s{0,3}["'\\]{0,4}(?<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/dgi,
    /(?:session_?token|security-token)["'\\]{0,4}\s{0,3}[:=]?>?\s{0,3}["'\\]{0,4}(?<secret>[A-Za-z0-9/+]{100,}={0,2})/dgi,
  ),
  bearer: (text) =>
    matches(/(?<![\w-])bearer["']?[ :=+]{1,3}["']?(?<secret>[\w.~+/-]{12,}={0,2})/dgi)(text, isTokenLike),
  'basic-auth': (text) =>
    matches(/(?<![\w-])basic (?<secret>[A-Za-z0-9+/]{6,}={0,2})(?![\w+/])/dgi)(text, isUserAndPassword),
  'url-password': urlPassword,
  // Header and payload are JSON objects in base64, so they begin with `{"`. An encrypted token has five parts.
  jwt: matches(/(?<![\w.-])eyJ[\w-]{8,}(?:\.[\w-]*){2,4}/dg),
  'private-key': privateKey,
  'api-key': matches(
    /(?<![\w-])(?:gh[opsur]_\w{36,}|github_pat_\w{40,}|glpat-[\w-]{20,}|gl(?:c|sa)_[\w+/]{32,}={0,2})/dg,
    /(?<![\w-])(?:xox[abeoprs]-[\w-]{20,}|[rs]k_(?:live|test)_\w{16,}|AIza[\w-]{35}(?![\w-]))/dg,
  ),
};

/** Finds the group `secret` of each match, or else the whole match. No such expression may backtrack far. */
function matches(...expressions: readonly RegExp[]) {
  return (text: string, isWanted: (match: string) => boolean = () => true): Spans => {
    const spans: number[] = [];
    for (const expression of expressions) {
      // Most lines contain none, and this is the quickest way to find out.
      if (text.search(expression) < 0) continue;
      for (const { indices } of text.matchAll(expression)) {
        const [start, end] = indices?.groups?.['secret'] ?? indices?.[0] ?? [0, 0];
        if (isWanted(text.slice(start, end))) spans.push(start, end);
      }
    }
    return spans;
  };
}

const LOCAL_PART = /[\p{L}\p{N}._%+-]/u;
const DOMAIN = /[\p{L}\p{N}.-]/u;

/** Extends from each `@` to both sides. In a URL it may be written `%40`. */
function email(text: string): Spans {
  const spans: number[] = [];
  if (!text.includes('@') && !text.includes('%40')) return spans;
  let from = 0;
  for (const { 0: sign, index } of text.matchAll(/@|%40/g)) {
    let start = index;
    while (start > from && LOCAL_PART.test(text.charAt(start - 1))) start--;
    const domainAt = index + sign.length;
    from = domainAt;
    let end = domainAt;
    while (end < text.length && DOMAIN.test(text.charAt(end))) end++;
    const domainEnd = domainAt + lengthOfDomain(text.slice(domainAt, end));
    if (start < index && domainEnd > domainAt) spans.push(start, domainEnd);
  }
  return spans;
}

/** The end of the last label that may be a top-level domain; 0 if no such label follows another one. */
function lengthOfDomain(text: string): number {
  for (let dot = text.lastIndexOf('.'); dot > 0; dot = text.lastIndexOf('.', dot - 1)) {
    const [top] = /^(?:\p{L}{2,}|xn--[\w-]+)/u.exec(text.slice(dot + 1)) ?? [];
    if (top !== undefined && text.charAt(dot - 1) !== '.') return dot + 1 + top.length;
  }
  return 0;
}

const CARD_NUMBER = /(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)/dg;
/** The prefixes of the large card schemes, and their numbers of digits. */
const SCHEMES: readonly (readonly [start: RegExp, digits: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:30[0-5]|3[689])/, [14, 16]],
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^(?:6011|64[4-9]|65|62|81)/, [16, 17, 18, 19]],
  [/^(?:50[123]|5[678]|6304|67)/, [13, 14, 15, 16, 17, 18, 19]],
];

function card(text: string): Spans {
  return matches(CARD_NUMBER)(text, (match) => {
    const digits = match.replaceAll(/\D/g, '');
    return SCHEMES.some(([start, lengths]) => start.test(digits) && lengths.includes(digits.length)) && isLuhn(digits);
  });
}

/** https://www.iso.org/standard/70484.html, annex B */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits.charAt(digits.length - 1 - index)) * (index % 2 === 0 ? 1 : 2);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

const USER_INFO = /:\/\/([^/?#\s"'<>\\]*)/g;
const LONGEST_PASSWORD = 128;

/** The password in `scheme://user:password@host`. */
function urlPassword(text: string): Spans {
  const spans: number[] = [];
  if (!text.includes('://')) return spans;
  for (const { 1: authority = '', index } of text.matchAll(USER_INFO)) {
    const start = index + 3;
    const colon = authority.indexOf(':');
    if (colon < 0) continue;
    // A port has digits only, so this is a password with a character that should have been encoded.
    const isCut = !authority.includes('@') && !/^\d*$/.test(authority.slice(colon + 1));
    const [userInfo = ''] = isCut
      ? (/^[^\s"'<>\\]*/.exec(text.slice(start, start + LONGEST_PASSWORD)) ?? [])
      : [authority];
    const end = userInfo.lastIndexOf('@');
    if (end > colon + 1) spans.push(start + colon + 1, start + end);
  }
  return spans;
}

const KEY_BEGIN = /-----BEGIN (?:[A-Z\d]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;

/** From the first line to the last; to the end of the text if the last line is missing. */
function privateKey(text: string): Spans {
  const spans: number[] = [];
  if (!text.includes('-----BEGIN ')) return spans;
  for (const { index } of text.matchAll(KEY_BEGIN)) {
    if (index < (spans.at(-1) ?? 0)) continue;
    const last = text.indexOf('-----END ', index);
    const end = last < 0 ? -1 : text.indexOf('-----', last + '-----END '.length);
    spans.push(index, end < 0 ? text.length : end + '-----'.length);
  }
  return spans;
}

/** A word such as "authentication" is not a token. */
function isTokenLike(text: string): boolean {
  return /\d/.test(text);
}

function isUserAndPassword(text: string): boolean {
  return /^[ -~]*:[ -~]*$/.test(Buffer.from(text, 'base64').toString('latin1'));
}
