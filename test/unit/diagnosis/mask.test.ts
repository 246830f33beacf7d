import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMask } from '../../../src/diagnosis/mask.ts';

const PASSWORD = 'p<a"s\\s&w:ö rd/9';
const forms: readonly (readonly [string, string])[] = [
  ['as it is', PASSWORD],
  ['in other letters', PASSWORD.toUpperCase()],
  ['in base64', Buffer.from(PASSWORD).toString('base64').replace(/=+$/, '').slice(0, -1)],
  ['in base64 for URLs', Buffer.from(PASSWORD).toString('base64url').slice(0, -1)],
  ['percent-encoded', encodeURIComponent(PASSWORD)],
  ['in a form', encodeURIComponent(PASSWORD).replaceAll('%20', '+')],
  ['in JSON', JSON.stringify(PASSWORD).slice(1, -1)],
  ['in JSON within JSON', JSON.stringify(JSON.stringify(PASSWORD)).slice(3, -3)],
  ['in the JSON of Go', 'p\\u003ca\\"s\\\\s\\u0026w:ö rd/9'],
  ['in HTML', 'p&lt;a&quot;s\\s&amp;w:ö rd/9'],
  ['in HTML with numbers', 'p&lt;a&#34;s\\s&amp;w:ö rd/9'],
  ['in hexadecimal', Buffer.from(PASSWORD).toString('hex')],
  ['as UTF-8 that was read as Latin-1', Buffer.from(PASSWORD).toString('latin1')],
];

for (const [how, form] of forms) {
  test(`takes out a secret ${how}`, () => {
    const masked = createMask([PASSWORD])(`invalid: ${form}.`);
    assert.ok(!masked.includes(form), masked);
    assert.match(masked, /^invalid: .*\[masked\].*\.$/);
  });
}

for (const before of ['', 'u', 'us', 'user:', '123456:']) {
  test(`takes out a secret that is a part of what was encoded in base64, behind ${JSON.stringify(before)}`, () => {
    const encoded = Buffer.from(`${before}example-password`).toString('base64');
    const masked = createMask(['example-password'])(encoded);
    assert.ok(masked.includes('[masked]'), masked);
    assert.ok(masked.length < '[masked]'.length + 14, masked);
  });
}

/** A setting, and what of it must not be seen. */
const settings: readonly (readonly [string, readonly string[]])[] = [
  [
    'https://user-name:pass-word@loki.example.com/push?token=tok-en#frag-ment',
    ['user-name', 'pass-word', 'user-name:pass-word', 'tok-en', 'frag-ment'],
  ],
  ['https://user-name:pass%2Fword@loki.example.com', ['pass%2Fword', 'pass/word', 'user-name']],
  ['http://user-name:12/34-56@host', ['user-name', '12/34-56', '34-56']],
  ['http://user-name:pw?d-more@host', ['user-name', 'd-more']],
  ['http://:pass-word@host', ['pass-word']],
  ['https://loki.example.com/push?key-alone', ['key-alone']],
  ['X-Api-Key=the-key,broken the-rest', ['the-key', 'the-rest']],
  ['{"X-Api-Key":"the-key","n":{"a":"inner-key"}}', ['the-key', 'inner-key']],
  ['{"X-Api-Key":"the-key"', ['the-key']],
  ['Authorization=Basic dXNlcjphbG9uZS1wdw==', ['user', 'alone-pw', 'user:alone-pw', 'dXNlcjphbG9uZS1wdw==']],
  ['Bearer glc_abcdefgh', ['glc_abcdefgh']],
  ['123456:glc_abcdefgh==', ['glc_abcdefgh']],
  ['"glc_quoted"', ['glc_quoted']],
  ['not a url but a token', ['not a url but a token']],
];

for (const [setting, secrets] of settings) {
  test(`knows what is secret in ${setting}`, () => {
    const mask = createMask([setting]);
    for (const secret of secrets) assert.equal(mask(`<${secret}>`), '<[masked]>', secret);
  });
}

test('leaves host and path of a URL, and the numeric user of Grafana Cloud', () => {
  const basic = `Basic ${Buffer.from('123456:glc_secret').toString('base64')}`;
  const mask = createMask(['https://loki.example.com/loki/api/v1/push?x=secret', basic]);
  const text = 'pushing to loki.example.com/loki/api/v1/push as user 123456';
  assert.equal(mask(text), text);
  assert.equal(mask('glc_secret'), '[masked]');
});

test('a text from outside that may hold a short secret is not shown at all', () => {
  const mask = createMask(['abc']);
  assert.equal(mask.outside('a label'), 'a label');
  assert.equal(mask.outside('wrong: ABC'), undefined);
  assert.equal(mask('about the fabric'), 'about the fabric', 'our own words stay');
});

test('without secrets nothing is changed', () => {
  const mask = createMask([]);
  assert.equal(mask('a text'), 'a text');
  assert.equal(mask.outside('a text'), 'a text');
});

for (const [setting, words] of [
  ['Content-Type=the-key-itself', 'entry 1 is content-type'],
  [
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBCgKCAQEA\n-----END ENCRYPTED PRIVATE KEY-----',
    'a key that is encrypted',
  ],
  ['{{resolve:secretsmanager:loki:SecretString:token}}', 'http://127.0.0.1:3100/loki/api/v1/push'],
  ['http:/loki.example.com', 'such as https://loki.example.com'],
] as const) {
  test(`leaves words as they are that are no secret: ${words}`, () => {
    assert.equal(createMask([setting])(words), words);
  });
}

test('knows each line of a key, however it is written', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMIIBCgKCAQEA\nQQIDAQABAoIB\n-----END PRIVATE KEY-----';
  for (const written of [key, key.replaceAll('\n', '\\n'), key.replaceAll('\n', ' ')]) {
    const mask = createMask([written]);
    assert.equal(mask('bad base64: QQIDAQABAoIB'), 'bad base64: [masked]');
    assert.equal(mask('bad base64: MIIBCgKCAQEA'), 'bad base64: [masked]');
  }
});

const ODD = `a!'()*"\\s<>&/é€`;
for (const [how, form] of [
  ['as it is', ODD],
  ['in JSON', JSON.stringify(ODD).slice(1, -1)],
  ['in JSON with slashes escaped', JSON.stringify(ODD).slice(1, -1).replaceAll('/', '\\/')],
  ['in JSON of ASCII', `a!'()*\\"\\\\s<>&/\\u00e9\\u20ac`],
  ['in the JSON of Go', `a!'()*\\"\\\\s\\u003c\\u003e\\u0026/é€`],
  ['in JSON within JSON', JSON.stringify(JSON.stringify(ODD).slice(1, -1)).slice(1, -1)],
  ['percent-encoded', encodeURIComponent(ODD)],
  ['percent-encoded with all signs', 'a%21%27%28%29%2A%22%5Cs%3C%3E%26%2F%C3%A9%E2%82%AC'],
  ['percent-encoded with all signs in small letters', 'a%21%27%28%29%2a%22%5cs%3c%3e%26%2f%c3%a9%e2%82%ac'],
  ['in a URL', encodeURI(ODD)],
  ['in HTML', 'a!&#39;()*&quot;\\s&lt;&gt;&amp;/é€'],
  ['in HTML with numbers', 'a!&#x27;()*&#34;\\s&lt;&gt;&amp;/é€'],
  ['in hexadecimal', Buffer.from(ODD).toString('hex')],
] as const) {
  test(`nothing is left of a secret with odd signs ${how}`, () => {
    assert.equal(createMask([ODD])(`[${form}]`), '[[masked]]');
  });
}

test('of base64 each character is taken out that depends on the secret alone, wherever it stands and however long it is', () => {
  for (const secret of ['example-pass', 'example-passw', 'example-passwo']) {
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      const start = 8 * before.length;
      const end = start + 8 * secret.length;
      const text = Buffer.from(`${before}${secret}${'z'.repeat(6 - ((before.length + secret.length) % 3))}`);
      const encoded = text.toString('base64');
      const isTold = (index: number) => 6 * index < start || 6 * index + 6 > end;
      const told = (from: number, to: number) => encoded.slice(from, to);
      const first = encoded.split('').findIndex((_, index) => !isTold(index));
      const last = encoded.split('').findLastIndex((_, index) => !isTold(index));
      assert.equal(
        createMask([secret])(encoded),
        `${told(0, first)}[masked]${told(last + 1, encoded.length)}`,
        `${before} ${secret}`,
      );
    }
  }
});

test('a secret that begins with another one is taken out as a whole, in whichever order they are known', () => {
  for (const secrets of [
    ['abcd-efgh', 'abcd-efgh-ijkl'],
    ['abcd-efgh-ijkl', 'abcd-efgh'],
  ]) {
    assert.equal(createMask(secrets)('<abcd-efgh-ijkl>'), '<[masked]>');
  }
});

test('what is added later is taken out too, also after a first text', () => {
  const mask = createMask(['first-secret']);
  assert.equal(mask('first-secret second-secret'), '[masked] second-secret');
  mask.add(['second-secret']);
  assert.equal(mask('first-secret second-secret'), '[masked] [masked]');
});

test('a text from outside that begins with a secret too short to be masked cannot be shown', () => {
  const { outside } = createMask(['ab1']);
  assert.equal(outside('ab1 is wrong'), undefined);
  assert.equal(outside('it is ab1'), undefined);
  assert.equal(outside('all is well'), 'all is well');
});

test('an address without user info has no secret in its first letter', () => {
  const { outside } = createMask(['https://loki.example.com/push']);
  assert.equal(outside('look there'), 'look there');
});

test('a value of the query is taken out whole, also where it stands alone', () => {
  assert.equal(createMask(['https://loki.example.com/push?token=tok-en-1234'])('<tok-en-1234>'), '<[masked]>');
});

for (const [what, setting, masked, left] of [
  ['a secret', 'abcd', 'abcd', 'abc'],
  ['a piece of a URL', 'https://user:ab/abcdefgh@host', 'abcdefgh', 'defg/abc'],
  ['a piece of what may be a URL', 'ab/abcdefgh', 'abcdefgh', undefined],
  ['a piece of what may be a URL, one letter less', 'ab/abcdefg', undefined, 'abcdefg'],
  ['a word of a header', 'Key one, two abcdefgh', 'abcdefgh', 'two'],
  ['a word of a header, one letter less', 'Key one, two abcdefg', undefined, 'abcdefg'],
  ['a word of broken JSON', '{token: abcdefgh', 'abcdefgh', 'token'],
  ['a word of broken JSON, one letter less', '{token: abcdefg', undefined, 'abcdefg'],
  ['the base64 of a secret', 'abcd', 'YWJjZ', 'YWJj'],
  ['the base64 of a secret, behind another letter', 'abcd', undefined, 'eGFiY2Q='],
] as const) {
  test(`is taken out from a certain length on, and left below it: ${what}`, () => {
    const mask = createMask([setting]);
    if (masked !== undefined) assert.equal(mask(`<${masked}>`), '<[masked]>');
    if (left !== undefined) assert.equal(mask(`<${left}>`), `<${left}>`);
  });
}

test('signs alone are no secret: they are the padding of a token', () => {
  assert.equal(createMask(['--']).outside('a -- b'), 'a -- b');
});
