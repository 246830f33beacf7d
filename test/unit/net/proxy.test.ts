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
  ['', 'https://localhost:3100', true],
  ['', 'https://127.0.0.1', true],
  ['', 'https://[::1]', true],
];
for (const [except, url, direct] of exceptions) {
  test(`NO_PROXY=${except} ${direct ? 'excepts' : 'does not except'} ${url}`, () => {
    assert.equal(read({ https: 'http://proxy.corp', except }).to(url) === undefined, direct);
  });
}
