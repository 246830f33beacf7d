// UTF-8 bytes held in a string, one character (U+0000 to U+00FF) per byte. Log lines travel in this form: a line is cut
// out of the platform's body and written into a Loki request without being decoded and encoded again, and its length is
// its size in bytes.
// https://webidl.spec.whatwg.org/#idl-ByteString

declare const byteString: unique symbol;
export type ByteString = string & { readonly [byteString]: true };

export const NOT_ASCII = /[^\0-\x7f]/;

/** Lone surrogates, which UTF-8 cannot represent, become U+FFFD. */
export function toByteString(text: string): ByteString {
  return (NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text) as ByteString;
}

/**
 * Copies ASCII text into memory of its own. A string that was cut out of a body keeps the whole body alive, so copy
 * whatever outlives it.
 */
export function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
