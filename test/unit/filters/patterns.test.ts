import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATTERNS } from '../../../src/filters/patterns.ts';
import { mergeSpans, replaceSpans } from '../../../src/filters/spans.ts';

const JWT =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nxyz=\n-----END RSA PRIVATE KEY-----';
const GITHUB = `ghp_${'a1B2c3D4'.repeat(5).slice(0, 36)}`;

/** Texts with what is secret in them between `<<` and `>>`; those without any must be left as they are. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  email: [
    'user <<jane.doe+test@mail.example.com>> logged in',
    '<<a@b.io>>',
    'to=<<jane@example.com>>, cc=<<joe@example.org>>',
    '"email":"<<jane@example.com>>"',
    '<<jane@example.com>>.',
    'mailto:<<jane@example.co.uk>>?subject=x',
    'GET /users?mail=<<jane%40example.com>>&x=1',
    'Grüße an <<jürgen@bücher.example>>',
    '<<x@xn--bcher-kva.example>>-2026',
    'twice <<a@b.de>>@c',
    'no address: user@localhost, @Autowired, foo@, @bar.com',
    'lodash@4.17.21 left-pad@1.0.0 java.lang.Object@1b2c3d4',
    'at 10:00 @ home. And so on',
    '@@@@@@@@',
    'a@.com a@b..com',
  ],
  card: [
    'paid with <<4111111111111111>>',
    '<<4111 1111 1111 1111>>',
    'card=<<5555-5555-5555-4444>>;',
    '{"pan":<<378282246310005>>}',
    '<<3782 822463 10005>>',
    '<<6011111111111117>> <<3530111333300000>> <<30569309025904>> <<2223003122003222>>',
    'not by Luhn: 4111111111111112',
    'no scheme: 1234567812345670 and 9999999999999995',
    'epoch ms 1767607200118, ns 1767607200118000000',
    'an id 4111111111111111a, x4111111111111111, 4111111111111111-9',
    '0.4111111111111111 and 4111111111111111.5',
    'a uuid 4a1b2c3d-4111-1111-1111-111111111111',
    'too long 41111111111111111111111',
    '4111-1111 1111-1111',
  ],
  'aws-key': [
    'key <<AKIAIOSFODNN7EXAMPLE>>',
    'AWS_ACCESS_KEY_ID=<<ASIAIOSFODNN7EXAMPLE>>',
    `aws_secret_access_key = <<${SECRET_KEY}>>`,
    `"SecretAccessKey":"<<${SECRET_KEY}>>"`,
    `secretAccessKey: '<<${SECRET_KEY}>>',`,
    `AWS_SECRET_ACCESS_KEY=<<${SECRET_KEY}>>`,
    `"SessionToken": "<<${'AbC1'.repeat(40)}==>>"`,
    `X-Amz-Security-Token=<<${'AbC1'.repeat(40)}>>`,
    'a word AKIAIOSFODNN7EXAMPLEX or AKIAshort, arn:aws:iam::123456789012:role/AKIA',
    `a hash ${SECRET_KEY} alone, sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709`,
    'secret access key is missing, session token expired',
  ],
  bearer: [
    `Authorization: Bearer <<${JWT}>>`,
    '"authorization":"bearer <<abc123def456ghi>>"',
    'Bearer=<<s3cr3t-t0ken-of-mine>>',
    'Bearer authentication failed',
    'bearer token is missing, Bearer realm="x"',
    'standardbearer 1234567890123',
    'Bearer abc1',
  ],
  'basic-auth': [
    'Authorization: Basic <<dXNlcjpwYXNzd29yZA==>>',
    '"Authorization":"basic <<dXNlcjpwYXNz>>"',
    'Basic authentication failed',
    'a basic question, basically',
    'Basic dXNlcg==',
  ],
  'url-password': [
    'postgres://app:<<s3cret>>@db.internal:5432/orders',
    'redis://:<<s3cret>>@cache:6379',
    'https://user:<<p%40ss>>@example.com/x?y=1',
    'amqp://u:<<pa/ss>>@host/',
    'mongodb://u:<<p:w>>@h1:27017,h2:27017/db',
    'two: ftp://a:<<b>>@c ftp://d:<<e>>@f',
    '"url":"mysql://root:<<root>>@localhost"',
    'http://localhost:8080/path?mail=a@b.com',
    'https://example.com/@user:name',
    'https://user@example.com, s3://bucket/key, http://h:80',
    'https://example.com?a=b:c@d',
    '://:@ :// a://b:@c',
  ],
  jwt: [
    `token <<${JWT}>>`,
    `{"t":"<<${JWT}>>"}`,
    `x=<<${JWT}.more.parts>>`,
    'eyJhbGciOiJIUzI1NiJ9 alone, eyJhbGciOiJIUzI1NiJ9.eyJ',
    `not at a word's end x${JWT}`,
  ],
  'private-key': [
    `<<${PEM}>>`,
    `before <<${PEM}>> after`,
    '<<-----BEGIN PRIVATE KEY-----\nMIIE that breaks off>>',
    '<<-----BEGIN OPENSSH PRIVATE KEY-----x-----END OPENSSH PRIVATE KEY----->> and <<-----BEGIN EC PRIVATE KEY-----y-----END EC PRIVATE KEY----->>',
    '-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
  ],
  'api-key': [
    `push with <<${GITHUB}>>`,
    `<<github_pat_${'a1B2_'.repeat(10)}>>`,
    'glpat: <<glpat-abcdefghij1234567890>>',
    `<<glc_${'eyJvIjoi'.repeat(6)}==>>`,
    `slack <<xoxb-123456789012-${'abcdEFGH'}>>`,
    `stripe <<sk_live_${'4eC39HqLyjWDarjt'}>>`,
    `<<AIza${'SyA1b2C3d4'.repeat(4).slice(0, 35)}>>`,
    'ghp_short, sk_livery, xoxo-kisses, AIzawa, a_ghp_word',
    `x${GITHUB}`,
  ],
};

const redact = (name: string, text: string) =>
  replaceSpans(text, mergeSpans(PATTERNS[name]?.(text) ?? assert.fail(name)), '[redacted]');

for (const [name, cases] of Object.entries(CASES)) {
  for (const marked of cases) {
    test(`${name}: ${marked.replaceAll('\n', ' ').slice(0, 90)}`, () => {
      const text = marked.replaceAll(/<<|>>/g, '');
      assert.equal(redact(name, text), marked.replaceAll(/<<.*?>>/gs, '[redacted]'));
    });
  }
}

test('each pattern has texts that it must find and texts that it must not', () => {
  assert.deepEqual(Object.keys(CASES).sort(), Object.keys(PATTERNS).sort());
  for (const cases of Object.values(CASES)) {
    assert.ok(cases.some((text) => text.includes('<<')) && cases.some((text) => !text.includes('<<')));
  }
});

/** A number with this beginning and so many digits, the last of which is that of Luhn's check. */
function cardOf(start: string, digits: number): string {
  const body = start.padEnd(digits - 1, '1');
  const sum = [...body].toReversed().reduce((total, digit, index) => {
    const weighted = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return body + ((10 - (sum % 10)) % 10);
}

test('a card has the digits of its scheme, and its check digit', () => {
  const from13 = [13, 14, 15, 16, 17, 18, 19];
  for (const [starts, lengths] of [
    ['4', [13, 16, 19]],
    ['51 52 53 54 55 2221 2229 223 229 23 26 270 271 2720', [16]],
    ['34 37', [15]],
    ['300 305 36 38 39', [14, 16]],
    ['3528 3529 353 358', [16, 17, 18, 19]],
    ['6011 644 649 65 62 81', [16, 17, 18, 19]],
    ['501 502 503 56 57 58 6304 67', from13],
    ['1 0 504 2220 2721 306 31 33 3527 359 6012 643 66 6303 7 80 82 9', []],
  ] as const) {
    for (const start of starts.split(' ')) {
      for (let digits = 12; digits <= 20; digits++) {
        const number = cardOf(start, digits);
        const isCard = (lengths as readonly number[]).includes(digits);
        assert.equal(redact('card', `no ${number}.`), isCard ? 'no [redacted].' : `no ${number}.`, number);
        const wrong = number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10);
        assert.equal(redact('card', wrong), wrong);
      }
    }
  }
});

test('a password with a slash is looked for in 128 characters behind the scheme', () => {
  for (const [characters, isFound] of [
    [3, true],
    [125, true],
    [126, false],
  ] as const) {
    const password = 'p/'.padEnd(characters, 's');
    const expected = `amqp://u:${isFound ? '[redacted]' : password}@host/x`;
    assert.equal(redact('url-password', `amqp://u:${password}@host/x`), expected, `${characters}`);
  }
});
