// The part of the front that takes the extension's place where Node.js cannot start: it registers for SHUTDOWN alone, says once in
// the log why no line will arrive, waits for that event, and exits 0. The function runs as if the extension were not there.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import { findName, writeNames } from './extension-name.ts';
import { ERRORS_ABOVE, LINUX } from './instruction-set.ts';
import type { MachineCode } from './machine-code.ts';

const BUFFER_BYTES = 4096;
const REGISTER_ATTEMPTS = 5n;
/** Between attempts, in nanoseconds. */
const PAUSE_NS = 50_000_000n;

const EVENTS = '{"events":["SHUTDOWN"]}';
const TEXTS = {
  'register request': 'POST /2020-01-01/extension/register HTTP/1.1\r\nLambda-Extension-Name: ',
  'register request, end': `\r\nContent-Length: ${EVENTS.length}\r\nConnection: close\r\n\r\n${EVENTS}`,
  'next request': 'GET /2020-01-01/extension/event/next HTTP/1.1\r\nLambda-Extension-Identifier: ',
  'next request, end': '\r\nConnection: close\r\n\r\n',
  'host header': '\r\nHost: ',
  'no fitting system':
    'Node.js cannot start on this base system: it needs glibc 2.28 or newer and libstdc++ (see docs/base-systems.md)',
  warning: '{"level":"warn","name":"aws-lambda-loki-extension","msg":"',
  'warning, end': '. The function goes on, and none of its logs are sent to Loki"}\n',
  'outside Lambda': 'aws-lambda-loki-extension: ',
  'line end': '\n',
  refusal: 'aws-lambda-loki-extension could not register: ',
};

/** Eight bytes of text as `find` compares them. */
function word(text: string): bigint {
  return Buffer.from(text, 'latin1').readBigUInt64LE();
}

/**
 * Defines the place `step aside`, which never returns, and the subroutine `find`. It needs `reason`, the address of a
 * sentence without its full stop, `runtime api`, the address of `host:port` (0 if the variable is not set), and `executable path`.
 */
export function writeStepAside(code: MachineCode): void {
  code.place('step aside');
  code.reserve('request', BUFFER_BYTES);
  code.reserve('registration', BUFFER_BYTES);
  code.reserve('event', BUFFER_BYTES);
  code.reserve('socket address', 512);
  code.reserve('pause', 16);
  code.when('runtime api', '==', 0n, () => exit(code, 'outside Lambda', 2n));
  readAddress(code);
  register(code);
  print(code, 1n, 'warning', 'warning, end');
  waitForShutdown(code);

  writeHttp(code);
  writeTextRoutines(code);
  writeNames(code);
  for (const [place, content] of Object.entries(TEXTS)) code.text(place, content);
}

function register(code: MachineCode): void {
  code.set('attempts left', REGISTER_ATTEMPTS);
  // Nothing is in that buffer before the first event.
  code.set('listing', 'event');
  findName(code, BigInt(BUFFER_BYTES));
  code.repeat((registered) => {
    writeRequest(code, 'register', 'extension name');
    code.set('answer', 'registration');
    // The headers end with an empty line; the body is of no use.
    code.set('last word', word('\xff\xff\xff\xff\r\n\r\n'));
    code.set('last mask', word('\xff\xff\xff\xff\0\0\0\0'));
    code.call('ask');
    code.when('found', '!=', 0n, () => {
      readIdentifier(code);
      code.jumpIf('found', '!=', 0n, registered);
      exit(code, 'refusal', 1n);
    });
    code.compute('attempts left', 'attempts left', '-', 1n);
    code.when('attempts left', '==', 0n, () => exit(code, 'refusal', 1n));
  });
}

/** The name of the header may be in any case: a bit that lower-case letters have is set before comparing. */
function readIdentifier(code: MachineCode): void {
  code.set('find word', word('ntifier:'));
  code.set('find mask', word('        '));
  code.call('find');
  code.compute('identifier', 'found', '+', 8n);
  code.set('cursor', 'identifier');
  code.when('found', '!=', 0n, () => {
    code.repeat((done) => {
      code.load('character', 1, 'cursor');
      code.jumpIf('character', '==', 0x0dn, done);
      code.compute('cursor', 'cursor', '+', 1n);
    });
    code.store(1, 0n, 'cursor');
  });
}

/** Anything but the event, such as a broken connection, is no reason to leave: that would fail the function. */
function waitForShutdown(code: MachineCode): void {
  code.repeat((shutdown) => {
    writeRequest(code, 'next', 'identifier');
    code.set('answer', 'event');
    code.set('last word', word('SHUTDOWN'));
    code.set('last mask', 0n);
    code.call('ask');
    code.jumpIf('found', '!=', 0n, shutdown);
  });
  code.systemCall('ignored', 'exit_group', 0n);
}

function writeRequest(code: MachineCode, kind: 'register' | 'next', headerValue: string): void {
  const append = () => code.call('append');
  code.set('to', 'request');
  code.addressOf('from', `${kind} request`);
  append();
  code.set('from', headerValue);
  append();
  code.addressOf('from', 'host header');
  append();
  code.set('from', 'runtime api');
  append();
  code.addressOf('from', `${kind} request, end`);
  append();
}

/** Takes `a.b.c.d:port`. A name instead of the four numbers means this machine: there is no resolver here. */
function readAddress(code: MachineCode): void {
  code.set('cursor', 'runtime api');
  code.compute('octet', 'socket address', '+', 4n);
  code.set('number', 0n);
  code.repeat((done) => {
    code.load('character', 1, 'cursor');
    code.compute('cursor', 'cursor', '+', 1n);
    code.jumpIf('character', '==', 0n, done);
    code.compute('digit', 'character', '-', 0x30n);
    const [digit, next] = ['address: digit', 'address: next'];
    code.jumpIf('digit', '<=', 9n, digit);
    code.store(1, 'number', 'octet');
    code.compute('octet', 'octet', '+', 1n);
    code.set('number', 0n);
    code.jump(next);
    code.place(digit);
    code.compute('tenfold', 'number', '<<', 3n);
    code.compute('number', 'number', '<<', 1n);
    code.compute('number', 'number', '+', 'tenfold');
    code.compute('number', 'number', '+', 'digit');
    code.place(next);
  });
  code.load('character', 1, 'runtime api');
  code.when('character', '>', 0x39n, () => code.store(4, 0x0100007fn, 'socket address', 4n));
  code.store(2, LINUX.AF_INET, 'socket address');
  code.compute('digit', 'number', '>>', 8n);
  code.store(1, 'digit', 'socket address', 2n);
  code.store(1, 'number', 'socket address', 3n);
}

/** `ask` sends the request on a connection of its own and reads until the last word; `found` is 0 if it never comes. */
function writeHttp(code: MachineCode): void {
  code.subroutine('ask', () => {
    code.set('found', 0n);
    code.set('answer end', 'answer');
    code.systemCall('socket', 'socket', LINUX.AF_INET, LINUX.SOCK_STREAM_CLOEXEC, 0n);
    code.jumpIf('socket', '>', ERRORS_ABOVE, 'no answer');
    code.systemCall('result', 'connect', 'socket', 'socket address', 16n);
    code.jumpIf('result', '!=', 0n, 'close connection');
    code.compute('bytes', 'to', '-', 'request');
    code.systemCall('result', 'sendto', 'socket', 'request', 'bytes', LINUX.MSG_NOSIGNAL, 0n, 0n);
    code.jumpIf('result', '!=', 'bytes', 'close connection');
    code.repeat((done) => {
      code.compute('bytes', 'answer', '+', BigInt(BUFFER_BYTES - 16));
      code.compute('bytes', 'bytes', '-', 'answer end');
      code.systemCall('bytes', 'read', 'socket', 'answer end', 'bytes');
      code.jumpIf('bytes', '==', 0n, done);
      code.jumpIf('bytes', '>', ERRORS_ABOVE, done);
      code.compute('answer end', 'answer end', '+', 'bytes');
      code.set('find word', 'last word');
      code.set('find mask', 'last mask');
      code.call('find');
      code.jumpIf('found', '!=', 0n, done);
    });
    code.place('close connection');
    code.systemCall('ignored', 'close', 'socket');
    code.place('no answer');
    code.when('found', '==', 0n, () => {
      code.store(8, 0n, 'pause');
      code.store(8, PAUSE_NS, 'pause', 8n);
      code.systemCall('ignored', 'nanosleep', 'pause', 0n);
    });
  });
}

function writeTextRoutines(code: MachineCode): void {
  // Finds the first place from `answer` to `answer end` where eight bytes, with the bits of the mask set, are the word.
  code.subroutine('find', () => {
    code.set('found', 'answer');
    code.compute('last', 'answer end', '-', 8n);
    code.repeat((done) => {
      code.when('found', '>', 'last', () => {
        code.set('found', 0n);
        code.jump(done);
      });
      code.load('value', 8, 'found');
      code.compute('value', 'value', '|', 'find mask');
      code.jumpIf('value', '==', 'find word', done);
      code.compute('found', 'found', '+', 1n);
    });
  });
  // Copies text to `to`, which ends behind it.
  code.subroutine('append', () => {
    code.repeat((done) => {
      code.load('character', 1, 'from');
      code.jumpIf('character', '==', 0n, done);
      code.store(1, 'character', 'to');
      code.compute('from', 'from', '+', 1n);
      code.compute('to', 'to', '+', 1n);
    });
  });
}

/** Prints the reason between two texts. */
function print(code: MachineCode, output: bigint, before: string, after: string): void {
  code.set('to', 'request');
  code.addressOf('from', before);
  code.call('append');
  code.set('from', 'reason');
  code.call('append');
  code.addressOf('from', after);
  code.call('append');
  code.compute('bytes', 'to', '-', 'request');
  code.systemCall('ignored', 'write', output, 'request', 'bytes');
}

function exit(code: MachineCode, message: string, status: bigint): void {
  print(code, 2n, message, 'line end');
  code.systemCall('ignored', 'exit_group', status);
}
