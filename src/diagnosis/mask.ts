// Removes every secret in force from a text, in each form in which an answer, an error or a URL may repeat it: plain,
// in base64, percent-encoded, or as JSON or HTML write it. Everything printed passes through here. Late code, because a
// healthy run prints nothing.

export interface Mask {
  /** The text, with `[masked]` in the place of each secret. */
  (text: string): string;
  /**
   * For a text from outside: undefined if it contains a secret that is too short to be masked. Masking each `ab` would
   * show where it was.
   */
  readonly outside: (text: string) => string | undefined;
  /** Adds secrets, from now on. */
  readonly add: (settings: readonly string[]) => void;
}

export const MASKED = '[masked]';
/** A shorter secret cannot be told from ordinary text. */
const SHORTEST_MASKED = 4;
/** A shorter piece of a secret may be an ordinary word. */
const SHORTEST_PIECE = 8;
/** Shorter base64 may occur by chance. */
const SHORTEST_BASE64 = 5;

/** The secrets as they were typed, and the header that is made from them. */
export function secretsOf(config: {
  readonly secrets: readonly string[];
  readonly endpoint: { readonly authorization: string | undefined } | undefined;
}): string[] {
  const { secrets, endpoint } = config;
  return endpoint?.authorization === undefined ? [...secrets] : [...secrets, endpoint.authorization];
}

/**
 * @param settings the values of all secret settings as they were typed, and of the Authorization header that is sent
 */
export function createMask(settings: readonly string[]): Mask {
  const known = [...settings];
  let patterns: { readonly long: RegExp | undefined; readonly short: RegExp | undefined } | undefined;
  // Compiled at the first text: a healthy run has none.
  const compiled = () => {
    patterns ??= patternsOf(known);
    return patterns;
  };
  const mask = (text: string) => {
    const { long } = compiled();
    return long ? text.replace(long, MASKED) : text;
  };
  const outside = (text: string) => {
    const masked = mask(text);
    const { short } = compiled();
    return short && masked.search(short) >= 0 ? undefined : masked;
  };
  function add(more: readonly string[]): void {
    known.push(...more);
    patterns = undefined;
  }
  return Object.assign(mask, { outside, add });
}

function patternsOf(settings: readonly string[]) {
  const wholes = settings.flatMap(secretsIn);
  // A URL that contains a secret is split at these characters.
  const pieces = wholes.flatMap((secret) => secret.split(/[/?#@]/)).filter((piece) => piece.length >= SHORTEST_PIECE);
  const secrets = [...new Set([...wholes, ...pieces])];
  const long = secrets.filter((secret) => secret.length >= SHORTEST_MASKED);
  // A secret of punctuation alone is the padding of a token, or a separator in a setting.
  const short = secrets.filter((secret) => secret.length < SHORTEST_MASKED && /[\p{L}\p{N}]/u.test(secret));
  return { long: patternOf(long.flatMap(formsOf)), short: patternOf(short.flatMap(formsOf)) };
}

/**
 * The secret parts of a setting: of a URL the user info and the query, of a list of headers each value, of `Basic x`
 * also the decoded x.
 */
function secretsIn(setting: string): string[] {
  const text = unquoted(setting);
  if (text.includes(PEM_BEGIN)) return [text, ...text.replaceAll(PEM_MARK, ' ').split(/\s+|\\[nr]/)];
  if (text.startsWith('{')) return [text, ...valuesOfJson(text).flatMap(secretsIn)];
  const [, rest] = URL_LIKE.exec(text) ?? [];
  if (rest !== undefined) return secretsInUrl(rest);
  const values = text.includes('=') ? text.split(',').map((pair) => pair.slice(pair.indexOf('=') + 1)) : [];
  // Names of headers are not secret, and a message may have to contain one.
  const isList = /^[\w-]+ *=/.test(text);
  const parts = (isList ? values : [setting, text, ...values]).flatMap((value) => secretsInHeader(unquoted(value)));
  return [setting, text, ...values].map((value) => value.trim()).concat(parts);
}

const PEM_BEGIN = '-----BEGIN';
const PEM_MARK = /-----(?:BEGIN|END) [A-Z0-9 ]+-----/g;
/** With a single slash it is not a URL, but was meant to be one. */
const URL_LIKE = /^(?:[a-z][a-z\d+.-]*:\/\/|https?:\/+)(.*)$/is;

/**
 * User info ends at the last `@` before the path, or at the last `@` of all: if a password contains a `/`, `?` or `#`
 * that was not encoded, part of it looks like the host and the rest like the path.
 */
function secretsInUrl(rest: string): string[] {
  const [authority = ''] = rest.split(/[/?#]/);
  const [, query = ''] = /[?#](.*)$/s.exec(rest) ?? [];
  const values = query.split(/[&#]/).map((pair) => pair.slice(pair.indexOf('=') + 1));
  const found = [...secretsInUserInfo(authority), ...secretsInUserInfo(rest), query, ...values];
  return found.flatMap((one) => [one, decoded(one)]);
}

function secretsInUserInfo(text: string): string[] {
  const userInfo = text.slice(0, Math.max(0, text.lastIndexOf('@')));
  const at = userInfo.indexOf(':');
  if (at < 0) return [userInfo];
  const password = userInfo.slice(at + 1);
  return [userInfo, userInfo.slice(0, at), password, ...password.split(/[/?#@]/)];
}

function secretsInHeader(value: string): string[] {
  const [, scheme = '', credentials = ''] = /^([a-z-]+)[ :]+(\S.*)$/is.exec(value) ?? [];
  const parts = [value, credentials, ...value.split(/[\s:=;]+/).filter((part) => part.length >= 8)];
  if (scheme.toLowerCase() !== 'basic') return parts;
  const pair = Buffer.from(credentials, 'base64').toString();
  const at = pair.indexOf(':');
  const user = pair.slice(0, Math.max(0, at));
  // The numeric user of Grafana Cloud is not secret, and is shown at the start.
  return [...parts, pair, pair.slice(at + 1), ...(/^\d*$/.test(user) ? [] : [user])];
}

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const utf8 = Buffer.from(secret);
  const percent = encodeURIComponent(secret);
  return [
    secret,
    json,
    json.replaceAll('/', '\\/'),
    json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    // Go escapes these three in this way, and quotes a text that it reports a second time.
    json.replaceAll(/[<>&]/g, (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`),
    JSON.stringify(json).slice(1, -1),
    percent,
    percent.replaceAll('%20', '+'),
    percent.replaceAll(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16)}`),
    encodeURI(secret),
    html(secret, '&quot;', '&#39;'),
    html(secret, '&#34;', '&#x27;'),
    utf8.toString('latin1'),
    utf8.toString('hex'),
    ...[0, 1, 2].flatMap((before) => base64At(utf8, before)),
  ];
}

/**
 * The base64 form of these bytes anywhere in a longer text, without the characters that also depend on neighbouring
 * bytes.
 */
function base64At(bytes: Buffer, before: number): string[] {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url');
  const isWhole = (before + bytes.length) % 3 === 0;
  const inner = whole.slice(before === 0 ? 0 : before + 1, isWhole ? undefined : -1);
  if (inner.length < SHORTEST_BASE64) return [];
  return [inner, inner.replaceAll('-', '+').replaceAll('_', '/')];
}

function html(text: string, quote: string, apostrophe: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', quote)
    .replaceAll("'", apostrophe);
}

/** Longest first: a secret may begin with another one. */
function patternOf(forms: readonly string[]): RegExp | undefined {
  const sorted = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  if (sorted.length === 0) return undefined;
  return new RegExp(sorted.map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'gi');
}

function valuesOfJson(text: string): string[] {
  try {
    return Object.values(JSON.parse(text) as object).map((value) =>
      typeof value === 'string' ? value : JSON.stringify(value),
    ); // it begins with a brace, so it is an object or an error
  } catch {
    const pieces = text.split(/["',:{}\s]+/);
    return /^\{\s*["']/.test(text) ? pieces : pieces.filter((piece) => piece.length >= SHORTEST_PIECE);
  }
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/s, '$2');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
