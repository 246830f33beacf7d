// The part of a text from outside that may be shown. An answer can contain our credentials or the line that it is
// about, so nothing is printed as it stands. Known words of Loki, or of the gateways in front of it, are said again in
// our words: with their numbers and times, and without labels, lines and users. Of a web page only the title is shown.

/**
 * Patterns, and what to say for each. `$1` stands for the digits or the time that a group caught. What is said keeps
 * the order of the answer.
 */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [
    /ingestion rate limit exceeded.{0,300}?\(limit: (\d+) bytes\/sec\) while attempting to ingest '(\d+)' lines totaling '(\d+)' bytes/is,
    'ingestion rate limit exceeded: $1 bytes/s, this push had $2 lines of $3 bytes',
  ],
  [/per stream rate limit exceeded \(limit: ([\d.]+ ?[KMG]?B)\/sec\)/i, 'per stream rate limit exceeded: $1/s'],
  [/ingestion rate limit exceeded/i, 'ingestion rate limit exceeded'],
  [/(?:maximum active|per-user) streams? limit exceeded/i, 'limit of active streams exceeded'],
  [
    /timestamp too old: ([\dT:.Z+-]+), oldest acceptable timestamp is: ([\dT:.Z+-]+)/i,
    'timestamp too old: $1, oldest acceptable $2',
  ],
  [/timestamp too (old|new): ([\dT:.Z+-]+)/i, 'timestamp too $1: $2'],
  [/timestamp too (old|new)/i, 'timestamp too $1'],
  [
    /entry too far behind(?:, .{0,80}?oldest acceptable timestamp is: ([\dT:.Z+-]+))?/i,
    'entry too far behind the newest of its stream',
  ],
  [/entry out of order/i, 'entry out of order'],
  [/total ignored: (\d+) out of (\d+)/i, '$1 of $2 ignored'],
  [
    /max entry size '(\d+)' bytes exceeded.{0,8000}?entry with length '(\d+)' bytes/is,
    'line of $2 bytes, the limit is $1 (max_line_size)',
  ],
  [/max entry size '(\d+)' bytes exceeded/i, 'line longer than $1 bytes (max_line_size)'],
  [/has (\d+) label names; limit (\d+)/i, '$1 label names, the limit is $2 (max_label_names_per_series)'],
  [/label name too long/i, 'label name too long'],
  [/label value too long/i, 'label value too long'],
  [/duplicate label name/i, 'duplicate label name'],
  [/missing required labels/i, 'labels are missing that this Loki requires (enforced_labels)'],
  [/at least one label pair is required/i, 'at least one label is required'],
  [/(?:couldn't parse|error parsing) labels/i, 'the labels cannot be parsed'],
  [/structured metadata too large/i, 'structured metadata too large'],
  [/too many structured metadata labels/i, 'too many pairs of structured metadata'],
  [/structured metadata.{0,40}disallowed|disallowed.{0,40}structured.metadata/is, 'structured metadata is not allowed'],
  [/label name is empty|normalization for label name/i, 'name of structured metadata not accepted'],
  [/multiple org IDs present/i, 'several tenants named'],
  [/tenant ID .{0,200}?(?:unsupported character|is too long)/is, 'tenant id not accepted'],
  [/\bno org id\b/i, 'no org id'],
  [/ingestion blocked for user .{0,200}? until '([\dT:.Z+-]+)'/is, 'ingestion blocked until $1'],
  [/ingestion blocked/i, 'ingestion blocked'],
  [
    /at least (\d+) live replicas required, could only find (\d+)/i,
    'at least $1 live replicas required, could only find $2',
  ],
  [/empty ring/i, 'empty ring'],
  [/too many unhealthy instances in the ring/i, 'too many unhealthy instances in the ring'],
  [/message larger than max \((\d+) vs\. (\d+)\)/i, 'message of $1 bytes larger than max $2'],
  [/request body too large: (\d+) > (\d+)/i, 'request body too large: $1 > $2'],
  [/request body too large/i, 'request body too large'],
  [/no media type/i, 'no media type'],
  [/Content-Encoding .{0,40}not supported/i, 'Content-Encoding not supported'],
  [/snappy: corrupt input/i, 'snappy: corrupt input'],
  [/at least one valid stream is required/i, 'at least one valid stream is required'],
  [/authentication error: invalid (token|scope requested)/i, 'authentication error: invalid $1'],
  [/authentication error/i, 'authentication error'],
  [/invalid (?:authentication )?credentials/i, 'invalid credentials'],
  [/missing authentication token/i, 'missing authentication token'],
  [/context (deadline exceeded|canceled)/i, 'context $1'],
  [/\bi\/o timeout/i, 'i/o timeout'],
  [/unexpected EOF/i, 'the request broke off'],
  [/404 page not found/i, '404 page not found'],
  [/no healthy upstream/i, 'no healthy upstream'],
  [/upstream request timeout|stream timeout/i, 'upstream timeout'],
  [/upstream connect error/i, 'upstream connect error'],
  [
    /client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port/i,
    'plain HTTP was sent to an HTTPS port',
  ],
];

const MOST_SAID = 3;

/** What Loki says in this text, in our words; undefined if none of it is known. */
export function lokiWords(text: string): string | undefined {
  const said: { at: number; words: string }[] = [];
  let rest = text;
  for (const [pattern, words] of KNOWN) {
    const match = pattern.exec(rest);
    if (!match) continue;
    said.push({ at: match.index, words: words.replaceAll(/\$(\d)/g, (_, group) => match[Number(group)] ?? '') });
    // What has matched must not match again by a vaguer pattern; blanks keep the other positions.
    rest = rest.slice(0, match.index) + ' '.repeat(match[0].length) + rest.slice(match.index + match[0].length);
    if (said.length === MOST_SAID) break;
  }
  if (said.length === 0) return undefined;
  return said
    .sort((a, b) => a.at - b.at)
    .map(({ words }) => words)
    .join('; ');
}

/** Whether the text is a web page. */
export function isHtml(text: string): boolean {
  return /^[\uFEFF\s]*</.test(text);
}

/** The title of a web page, on one line; undefined if there is none. */
export function titleOf(text: string): string | undefined {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  return title?.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim() || undefined;
}
