// The part of the front that keeps the function's environment from steering the extension. The variables are the function's, but the
// loader, glibc, OpenSSL, libuv and Node.js read them before any line of ours runs, and some end the process there: OPENSSL_CONF with a
// syntax error, an LD_PRELOAD that aborts, a libstdc++ on LD_LIBRARY_PATH that does not fit. A hidden variable has become an empty
// text, which is no variable to anybody. What programs and scripts of the function see is not touched.
// https://man7.org/linux/man-pages/man8/ld.so.8.html, https://nodejs.org/docs/latest-v24.x/api/cli.html#environment-variables

import { LINUX } from './instruction-set.ts';
import type { MachineCode } from './machine-code.ts';

/** They say which authorities to trust, and that is for the operator to say. */
const AUTHORITIES = 'NODE_EXTRA_CA_CERTS=';
const KEPT = [AUTHORITIES, 'NODE_USE_SYSTEM_CA='];
/** Instead of `NODE`, where the file cannot be read: Node.js would warn of it in words and a form of its own, src/config/config.ts does better. */
const UNREADABLE = 'LOST';
/** All variables that begin with one of these. */
const HIDDEN = [...['LD_', 'GLIBC_', 'MALLOC_', 'GCONV_PATH=', 'LOCPATH=', 'ICU_'], ...['OPENSSL_', 'NODE_', 'UV_']];
const LIBRARY_PATH = 'LD_LIBRARY_PATH=';
const RUNTIME_API = 'AWS_LAMBDA_RUNTIME_API=';
const WORD_BYTES = 8n;

/**
 * Goes through the variables from `cursor` on, hides those that steer, and sets `runtime api` (what stands behind its name, or 0)
 * and `library path` (where the hidden variable was, or 0). `cursor` ends behind the zero that closes the environment.
 */
export function readEnvironment(code: MachineCode): void {
  code.set('runtime api', 0n);
  code.set('library path', 0n);
  code.repeat((done) => {
    code.load('variable', 8, 'cursor');
    code.compute('cursor', 'cursor', '+', WORD_BYTES);
    code.jumpIf('variable', '==', 0n, done);
    whenNamed(code, RUNTIME_API, () => code.set('runtime api', 'text'));
    whenNamed(code, LIBRARY_PATH, () => code.set('library path', 'variable'));
    whenNamed(code, AUTHORITIES, () => {
      code.systemCall('result', 'faccessat', LINUX.AT_FDCWD, 'text', LINUX.READABLE);
      const name = BigInt(Buffer.from(UNREADABLE).readUInt32LE());
      code.when('result', '!=', 0n, () => code.store(4, name, 'variable'));
    });
    for (const name of KEPT) whenNamed(code, name, () => code.jump('kept'));
    for (const name of HIDDEN) whenNamed(code, name, () => code.store(1, 0n, 'variable'));
    code.place('kept');
  });
}

/** The loader looks there again, for a system whose own folders lack something. */
export function showLibraryPath(code: MachineCode): void {
  code.when('library path', '!=', 0n, () => code.store(1, BigInt(LIBRARY_PATH.charCodeAt(0)), 'library path'));
}

/** Defines the subroutine `compare names` and the names. */
export function writeEnvironment(code: MachineCode): void {
  // `expected character` ends as 0 if `variable` begins with the text at `expected`; `text` then points behind that.
  code.subroutine('compare names', () => {
    code.set('text', 'variable');
    code.repeat((decided) => {
      code.load('expected character', 1, 'expected');
      code.jumpIf('expected character', '==', 0n, decided);
      code.load('character', 1, 'text');
      code.jumpIf('character', '!=', 'expected character', decided);
      code.compute('text', 'text', '+', 1n);
      code.compute('expected', 'expected', '+', 1n);
    });
  });
  for (const name of [RUNTIME_API, LIBRARY_PATH, ...KEPT, ...HIDDEN]) code.text(name, name);
}

/** Runs `body` if the text at `variable` begins with the one at the place `name`; `text` then points behind that. */
export function whenNamed(code: MachineCode, name: string, body: () => void): void {
  code.addressOf('expected', name);
  code.call('compare names');
  code.when('expected character', '==', 0n, body);
}
