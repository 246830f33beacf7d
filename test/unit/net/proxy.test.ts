import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxySettings } from '../../../src/config/route.ts';
import { readProxies } from '../../../src/net/proxy.ts';

function read(settings: ProxySettings) {
  const notes: string[] = [];
  const proxyTo = readProxies(settings, (variable, message) => notes.push(`${variable} ${message}`));
  return { notes, to: (url: string) => proxyTo(new URL(url)) };
}

const LOKI = 'https://loki.example.com';

test('our own setting goes before the others, and knows no exceptions', () => {
  const { to } = read({ own: 'http://proxy.corp:3128', https: 'http://other:1', except: '*' });
  assert.deepEqual(to(LOKI), { host: 'proxy.corp', port: 3128, secure: false, authorization: undefined });
  assert.equal(to('http://127.0.0.1:3100')?.host, 'proxy.corp');
});

test('the scheme of the URL chooses between the variables', () => {
  const { to } = read({ https: 'https://s.corp', http: 'http://p.corp' });
  assert.deepEqual([to(LOKI)?.port, to(LOKI)?.secure], [443, true]);
  assert.deepEqual([to('http://loki.example.com')?.host, to('http://loki.example.com')?.port], ['p.corp', 80]);
  assert.equal(read({ http: 'http://p.corp' }).to(LOKI), undefined);
});

test('reads user info, a missing scheme, IPv6', () => {
  const { to } = read({ own: 'user:p%40ss%3A@[fd00::1]:3128' });
  const found = to(LOKI);
  assert.deepEqual([found?.host, found?.port], ['fd00::1', 3128]);
  assert.equal(found?.authorization, `Basic ${Buffer.from('user:p@ss:').toString('base64')}`);
});

test('where our own setting is of no use, no other one takes its place', () => {
  const { to, notes } = read({ own: 'socks5://proxy:1080', https: 'http://other:1' });
  assert.equal(to(LOKI), undefined);
  assert.deepEqual(notes, ['LOKI_PROXY_URL is not the URL of an http or https proxy; no proxy is used']);
});

test('a variable that others read too is told of by its own name, and the other one stays in force', () => {
  const { to, notes } = read({ https: 'http://s.corp', http: 'http://a b' });
  assert.equal(to(LOKI)?.host, 's.corp');
  assert.equal(to('http://loki.example.com'), undefined);
  assert.deepEqual(notes, ['HTTP_PROXY is not the URL of a proxy; no proxy is used']);
  assert.deepEqual(read({ https: 'ftp://x' }).notes, [
    'HTTPS_PROXY is not the URL of an http or https proxy; no proxy is used',
  ]);
});

for (const [userInfo, credentials] of [
  ['user:word@', 'user:word'],
  ['user@', 'user:'],
  [':word@', ':word'],
  ['100%:a%40b@', '100%:a@b'],
] as const) {
  test(`the proxy is given ${credentials} where its URL has ${userInfo}`, () => {
    const { authorization } = read({ own: `http://${userInfo}proxy.corp` }).to(LOKI) ?? {};
    assert.equal(authorization, `Basic ${Buffer.from(credentials).toString('base64')}`);
  });
}

test('only where there is an @ it is said how signs in a password are written', () => {
  const [advice] = read({ own: 'http://user:a b@c d' }).notes;
  assert.match(advice ?? '', /in user and password @ : \/ \? # and % are written as %40/);
  assert.deepEqual(read({ own: 'http://a b' }).notes, ['LOKI_PROXY_URL is not the URL of a proxy; no proxy is used']);
});

test('a proxy of another kind is said to be of no use, without a word of it', () => {
  for (const own of ['socks5://hunter2:x@proxy:1080', 'http://:hunter2@', 'http://a b:hunter2@x y']) {
    const { to, notes } = read({ own });
    assert.equal(to(LOKI), undefined);
    assert.equal(notes.length, 1);
    assert.match(String(notes[0]), /^LOKI_PROXY_URL is not the URL of an?/);
    assert.doesNotMatch(String(notes[0]), /hunter2/);
  }
});

/** An exception, and what it stands for. */
const exceptions: readonly (readonly [except: string, url: string, direct: boolean])[] = [
  ['*', LOKI, true],
  ['loki.example.com', LOKI, true],
  ['LOKI.Example.com', LOKI, true],
  ['example.com', LOKI, true],
  ['.example.com', LOKI, true],
  ['*.example.com', LOKI, true],
  ['a.com, example.com', LOKI, true],
  ['a.com example.com', LOKI, true],
  ['ample.com', LOKI, false],
  ['com.', LOKI, true],
  ['other.example.com', LOKI, false],
  ['example.com:443', LOKI, true],
  ['example.com:3100', LOKI, false],
  ['example.com:3100', 'https://loki.example.com:3100', true],
  ['10.1.2.3', 'https://10.1.2.3', true],
  ['10.1.2.3:443', 'https://10.1.2.3', true],
  ['10.1.2.3:80', 'https://10.1.2.3', false],
  ['10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['10.0.0.0/8', 'https://10.example.com', false],
  ['10.0.0.0/99', 'https://10.1.2.3', false],
  ['fd00::/8', 'https://[fd00::7]', true],
  ['fd00::/8', 'https://[fe00::7]', false],
  ['[fd00::7]:443', 'https://[fd00::7]', true],
  ['fd00::7', 'https://[fd00::7]', true],
  ['', LOKI, false],
  [',', LOKI, false],
  ['.', LOKI, false],
  ['10.1.2.3/32', 'https://10.1.2.3', true],
  ['10.1.2.3/32', 'https://10.1.2.4', false],
  ['10.1.2.3/33', 'https://10.1.2.3', false],
  ['10.1.2.3', 'https://10.1.2.4', false],
  ['fd00::7/128', 'https://[fd00::7]', true],
  ['fd00::7/128', 'https://[fd00::8]', false],
  ['fd00::7/129', 'https://[fd00::7]', false],
  ['example.com', 'https://loki.example.com.', true],
  ['example.com.', LOKI, true],
  ['*.example.com:443', LOKI, true],
  ['10.1.2.3:80', 'http://10.1.2.3', true],
  ['10.1.2.3:443', 'http://10.1.2.3', false],
  ['', 'https://localhost:3100', true],
  ['', 'https://loki.localhost', true],
  ['', 'https://localhost.example.com', false],
  ['', 'https://127.0.0.1', true],
  ['', 'https://169.254.169.254', true],
  ['', 'https://[::1]', true],
];
for (const [except, url, direct] of exceptions) {
  test(`NO_PROXY=${except} ${direct ? 'excepts' : 'does not except'} ${url}`, () => {
    assert.equal(read({ https: 'http://proxy.corp', http: 'http://proxy.corp', except }).to(url) === undefined, direct);
  });
}
