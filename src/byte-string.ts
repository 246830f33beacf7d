// Text as the bytes of its UTF-8, in a string of one character (U+0000 to U+00FF) for each byte. A log line travels
// like that: it is cut out of the platform's body and written into a request of Loki without being decoded and encoded
// again, and its length is that in bytes.
// https://webidl.spec.whatwg.org/#idl-ByteString

declare const byteString: unique symbol;
export type ByteString = string & { readonly [byteString]: true };

export const NOT_ASCII = /[^\0-\x7f]/;

/** Lone surrogates, which UTF-8 cannot hold, become U+FFFD. */
export function toByteString(text: string): ByteString {
  return (NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text) as ByteString;
}

/**
 * The same ASCII text in memory of its own. What was cut out of a body keeps the whole body in memory: copy what is to
 * be remembered.
 */
export function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
