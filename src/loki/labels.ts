// Stream labels in Loki's text form `{a="b",c="d"}`, and the limits on names and values. The text is canonical: equal
// label sets are equal strings, so it can serve as the key of a stream.
// Names: https://prometheus.io/docs/concepts/data_model/; limits: Loki's `limits_config`.

/** Labels that every stream has beside the user's own; `service_name` has a setting of its own. */
export const OWN_LABELS = ['function_name', 'account_id', 'region', 'source', 'type'];
/** Names of structured metadata. Loki would rename it if a label had its name. */
export const METADATA_NAMES = [
  ...['request_id', 'trace_id', 'level', 'function_version', 'alias', 'tenant_id'],
  ...['event', 'instance', 'part', 'original_time'],
];

/** Loki's `max_label_names_per_series`; `service_name` is not counted. */
export const MAX_LABEL_NAMES = 15;
/** Loki's `max_label_name_length`. */
export const MAX_LABEL_NAME_BYTES = 1024;
/** Loki's `max_label_value_length`: bytes of UTF-8, not characters. */
export const MAX_LABEL_VALUE_BYTES = 2048;

/** True for the names that every Loki takes. Those that begin with two underscores are Loki's own. */
export function isLabelName(name: string): boolean {
  return /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && name.length <= MAX_LABEL_NAME_BYTES;
}

/** The longest beginning of the text that has at most `maxBytes` in UTF-8, ending between two characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** Label sets as Loki writes them: sorted by name, without empty values. Names must satisfy isLabelName. */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs: string[] = [];
  for (const name of Object.keys(labels).sort()) {
    const value = labels[name];
    if (value) pairs.push(`${name}=${quote(value)}`);
  }
  return `{${pairs.join(',')}}`;
}

/**
 * JSON's escapes are all in the set that Loki's parser knows (Go's), but for lone surrogates. U+FFFD has to go as
 * well: the parser takes it for broken input, raw and escaped alike, and refuses the whole request.
 */
function quote(value: string): string {
  return JSON.stringify(value.toWellFormed().replaceAll('\ufffd', '?'));
}
