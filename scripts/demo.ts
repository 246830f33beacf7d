// `make demo`: the built executable in an emulated Lambda, frozen between invocations, and what arrived in Loki.
// It pushes to a Loki embedded in this program, or to the one that LOKI_PUSH_ENDPOINT names. Every LOKI_ variable of the
// environment is a setting of the extension here too. Exits 1 when a line is missing, doubled, changed or out of order.

import { extensionExecutable, freePort } from '../test/fakes/extension.ts';
import { createLambdaEmulator } from '../test/fakes/lambda-emulator.ts';
import { balance, isWhole } from './demo/account.ts';
import { embeddedLoki, realLoki } from './demo/destination.ts';
import { heading, printBalance, printInvocations, printSamples, printStreams } from './demo/report.ts';
import { runScenario } from './demo/scenario.ts';

const settings = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('LOKI_')));
const endpoint = URL.parse(settings['LOKI_PUSH_ENDPOINT'] ?? '');
if (settings['LOKI_PUSH_ENDPOINT'] && !endpoint?.protocol.match(/^https?:$/)) {
  console.error('LOKI_PUSH_ENDPOINT is not an http or https URL, such as https://loki.example.com');
  process.exit(2);
}
const functionName = 'loki-demo';

process.once('SIGINT', () => process.exit(130));
const executable = extensionExecutable();
const destination = endpoint ? await realLoki(endpoint) : await embeddedLoki();
const emulator = await createLambdaEmulator({
  executable,
  freeze: true,
  onFrozen: () => destination.cutConnections(),
  function: { name: functionName, memorySizeMb: 512 },
  environment: {
    LOKI_EXTENSION_PORT: String(await freePort()),
    ...settings,
    LOKI_PUSH_ENDPOINT: destination.pushUrl,
  },
});
try {
  console.log('The built extension runs in an emulated Lambda: its process is stopped between invocations, and its');
  console.log('connections are cut meanwhile. It pushes to');
  console.log(`${destination.description}.`);
  const story = await runScenario(emulator);
  printInvocations(story);
  if (!settings['LOKI_FLUSH_STRATEGY']) {
    console.log('  LOKI_FLUSH_STRATEGY is adaptive: once calls come often, no invocation is held.');
  }

  const types = (settings['LOKI_LOG_TYPES'] ?? 'platform,function').split(',').map((type) => type.trim());
  const accounts = balance(emulator.emitted, destination.entries(), types);
  printStreams(destination.entries());
  printSamples(destination.entries());
  printBalance(accounts);

  const problems = [...destination.refusals(), ...emulator.violations];
  if (emulator.output !== '') problems.push(`the extension printed:\n${emulator.output.trim()}`);
  for (const problem of problems) console.log(`  ! ${problem}`);
  if (destination.isReal) {
    heading('In Grafana');
    console.log(`  {function_name="${functionName}", source="lambda"}`);
  }

  const exits = story.flatMap(({ shutdown }) => shutdown ?? []);
  const ended = exits.every(({ exitCode, exitedBeforeDeadline }) => exitCode === 0 && exitedBeforeDeadline);
  const good = accounts.every(isWhole) && ended && emulator.violations.length === 0;
  heading('Verdict');
  if (good && destination.isReal) console.log('  Loki took every line exactly once, unchanged and in order.');
  else if (good) console.log('  Every line arrived exactly once, unchanged and in order.');
  else if (ended) console.log('  NOT GOOD: what was sent and what arrived differ, see above.');
  else console.log('  NOT GOOD: the extension did not end in time with exit code 0.');
  process.exitCode = good ? 0 : 1;
} finally {
  await emulator.stop();
  await destination.close();
}
