// What late-garbage.test.ts runs in a process of its own, which says what V8 does by itself: loads the late script, makes garbage, and ends
// when its input does.
// usage: node --trace-memory-reducer --gc-memory-reducer-start-delay-ms=1 late-garbage.ts <late.js> frozen|awake

import { loadLateScript } from './late-script.ts';

const [lateScript = '', sandbox] = process.argv.slice(2);
await loadLateScript(lateScript, { overTls: false, isFrozen: sandbox === 'frozen' });
let garbage: object[] | undefined = [];
for (let index = 0; index < 300_000; index++) garbage.push({ index });
garbage = undefined;
process.stdin.resume().once('end', () => process.exit());
