// What late-modules.test.ts runs in a process of its own: loads the late script as the executable does, pushes once, and prints which built-in
// modules were loaded after V8's flags had been set.
// usage: node late-modules.ts <late.js> <endpoint>

import { loadLateScript } from './late-script.ts';

const [lateScript = '', endpoint = ''] = process.argv.slice(2);
const { parseConfig } = await import('../../src/config/config.ts');
const { config } = parseConfig({ LOKI_PUSH_ENDPOINT: endpoint });
if (config.endpoint === undefined) throw new Error('the endpoint is refused');
const overTls = config.endpoint.url.startsWith('https:');
const late = await loadLateScript(lateScript, { overTls, isFrozen: true });
const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
const before = new Set(moduleLoadList);

const nothing = () => {};
const log = {
  isOn: () => false,
  write: nothing,
  writeOnce: nothing,
  tell: nothing,
  tellSymptom: nothing,
  equip: nothing,
  printed: () => Promise.resolve(),
  close: nothing,
};
const identity = { functionName: 'orders-api', functionVersion: undefined, accountId: undefined, region: undefined };
const pipeline = await late.openPipeline(config, identity, false, log);
if (!pipeline) throw new Error('there is nowhere to push to');
pipeline.begin();
pipeline.receive(Buffer.from('[{"time":"2026-01-02T03:04:05Z","type":"function","record":"hello"}]'));
await pipeline.flush(Date.now() + 10_000);
const after = moduleLoadList.filter((module) => !before.has(module));
process.stdout.write(JSON.stringify({ after, held: pipeline.heldEntries() }));
process.exit();
