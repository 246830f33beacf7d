// The part of the front that turns to libraries beside the layer: glibc and libstdc++ of another system, which somebody put into
// /opt/aws-lambda-loki-extension/lib, loader included. The loader learns of that folder by LD_LIBRARY_PATH, because the system's own
// folders hold libraries that do not fit. https://man7.org/linux/man-pages/man8/ld.so.8.html

import type { MachineCode } from './machine-code.ts';

export const OWN_LIBRARIES = '/opt/aws-lambda-loki-extension/lib';
const WORD_BYTES = 8n;
/** A multiple of 16, as the stack has to be. */
const MOVED_BYTES = 16n;

/** Puts the variable into the environment. Needs `stack`, `environment` and `environment end` (its closing zero); moves `stack`. */
export function setLibraryPath(code: MachineCode): void {
  code.addressOf('library path', 'library path variable');
  code.set('cursor', 'environment');
  code.set('is set', 0n);
  code.repeat((done) => {
    code.jumpIf('cursor', '==', 'environment end', done);
    code.load('text', 8, 'cursor');
    whenNamed(code, 'library path name', () => {
      code.store(8, 'library path', 'cursor');
      code.set('is set', 1n);
    });
    code.compute('cursor', 'cursor', '+', WORD_BYTES);
  });
  code.when('is set', '==', 0n, () => addVariable(code));
}

/** Defines the texts: `own loader path`, and those that `setLibraryPath` needs. */
export function writeOwnLibraries(code: MachineCode, loader: string): void {
  code.text('own loader path', `${OWN_LIBRARIES}/${loader.slice(loader.lastIndexOf('/') + 1)}`);
  code.text('library path name', 'LD_LIBRARY_PATH=');
  code.text('library path variable', `LD_LIBRARY_PATH=${OWN_LIBRARIES}`);
}

/** Runs `body` if the variable `text` points to begins with the text at `place`; `text` then points behind that. */
export function whenNamed(code: MachineCode, place: string, body: () => void): void {
  code.addressOf('expected', place);
  code.repeat((differs) => {
    code.load('expected character', 1, 'expected');
    code.when('expected character', '==', 0n, () => {
      body();
      code.jump(differs);
    });
    code.load('character', 1, 'text');
    code.jumpIf('character', '!=', 'expected character', differs);
    code.compute('text', 'text', '+', 1n);
    code.compute('expected', 'expected', '+', 1n);
  });
}

/** Arguments and environment move down by two words, and the variable takes both: the stack stays aligned, and twice does no harm. */
function addVariable(code: MachineCode): void {
  code.set('cursor', 'stack');
  code.repeat((done) => {
    code.jumpIf('cursor', '==', 'environment end', done);
    code.load('word', 8, 'cursor');
    code.compute('target', 'cursor', '-', MOVED_BYTES);
    code.store(8, 'word', 'target');
    code.compute('cursor', 'cursor', '+', WORD_BYTES);
  });
  code.compute('target', 'environment end', '-', MOVED_BYTES);
  code.store(8, 'library path', 'target');
  code.store(8, 'library path', 'target', WORD_BYTES);
  code.compute('stack', 'stack', '-', MOVED_BYTES);
}
