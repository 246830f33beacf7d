// The part of the front that finds the name to register by where it takes the extension's place: that of the file in /opt/extensions. If the
// executable was started from elsewhere, by a script there, the only script is the one. src/lambda/extension-name.ts looks closer.
// https://man7.org/linux/man-pages/man2/getdents.2.html

import { whenNamed } from './environment.ts';
import { ERRORS_ABOVE, LINUX } from './instruction-set.ts';
import type { MachineCode } from './machine-code.ts';

const FOLDER = '/opt/extensions/';
/** `#!`, as two bytes are read. */
const SCRIPT = 0x2123n;
const [RECORD_BYTES_AT, NAME_AT] = [16n, 19n];

/** Sets `extension name`. Needs `executable path`, and `listing`, a buffer of so many bytes that holds the name as long as it is needed. */
export function findName(code: MachineCode, listingBytes: bigint): void {
  code.set('extension name', 'executable path');
  code.set('cursor', 'executable path');
  code.repeat((done) => {
    code.load('character', 1, 'cursor');
    code.jumpIf('character', '==', 0n, done);
    code.compute('cursor', 'cursor', '+', 1n);
    code.when('character', '==', 0x2fn, () => code.set('extension name', 'cursor'));
  });
  code.set('variable', 'executable path');
  whenNamed(code, FOLDER, () => code.jump('name found'));
  code.addressOf('path', FOLDER);
  code.systemCall('folder', 'openat', LINUX.AT_FDCWD, 'path', LINUX.O_RDONLY_CLOEXEC, 0n);
  code.jumpIf('folder', '>', ERRORS_ABOVE, 'name found');
  code.systemCall('bytes', 'getdents64', 'folder', 'listing', listingBytes);
  code.when('bytes', '<=', ERRORS_ABOVE, () => takeOnlyScript(code));
  code.systemCall('ignored', 'close', 'folder');
  code.place('name found');
}

export function writeNames(code: MachineCode): void {
  code.text(FOLDER, FOLDER);
}

/** What is no file cannot be read, and is no script. */
function takeOnlyScript(code: MachineCode): void {
  code.reserve('first bytes', 8);
  code.set('scripts', 0n);
  code.set('record', 'listing');
  code.compute('listing end', 'listing', '+', 'bytes');
  code.repeat((done) => {
    code.jumpIf('record', '>=', 'listing end', done);
    code.compute('name', 'record', '+', NAME_AT);
    code.store(8, 0n, 'first bytes');
    code.systemCall('file', 'openat', 'folder', 'name', LINUX.O_RDONLY_NONBLOCK_CLOEXEC, 0n);
    code.systemCall('ignored', 'read', 'file', 'first bytes', 2n);
    code.systemCall('ignored', 'close', 'file');
    code.load('value', 2, 'first bytes');
    code.when('value', '==', SCRIPT, () => {
      code.compute('scripts', 'scripts', '+', 1n);
      code.set('script', 'name');
    });
    code.load('record bytes', 2, 'record', RECORD_BYTES_AT);
    code.compute('record', 'record', '+', 'record bytes');
  });
  code.when('scripts', '==', 1n, () => code.set('extension name', 'script'));
}
