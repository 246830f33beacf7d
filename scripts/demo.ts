// `make demo`: the built executable in an emulated Lambda, frozen between invocations, and what became of its lines. It pushes to a Loki embedded
// in this program, or straight to the endpoint in LOKI_PUSH_ENDPOINT. Every LOKI_ variable of the environment is a setting of the extension here
// too. Exits 1, and says why, when a line is missing, doubled, changed or out of order.

import { FILTER_SETTINGS } from '../src/config/filter-settings.ts';
import { extensionExecutable, freePort } from '../test/fakes/extension.ts';
import { startFakeLoki } from '../test/fakes/fake-loki.ts';
import { createLambdaEmulator } from '../test/fakes/lambda-emulator.ts';
import { balance, isAccountedFor, isWhole, totalsOf } from './demo/account.ts';
import { runCheck } from './demo/check.ts';
import {
  heading,
  paragraph,
  printBalance,
  printInvocations,
  printOwnWords,
  printSamples,
  printStreams,
  printTotals,
} from './demo/report.ts';
import { runScenario } from './demo/scenario.ts';

/** What else of the environment the way to a real Loki depends on. */
const OF_THE_WAY =
  /^(?:https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|RES_OPTIONS|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN))$/i;
const filters = FILTER_SETTINGS.some(({ name }) => process.env[name]);
const functionName = 'loki-demo';

process.once('SIGINT', () => process.exit(130));
const executable = extensionExecutable();
const given = Object.entries(process.env).filter(([name]) => /^LOKI_/i.test(name) || OF_THE_WAY.test(name));
const isReal = Boolean(process.env['LOKI_PUSH_ENDPOINT']?.trim());
const embedded = isReal ? undefined : await startFakeLoki();
const settings: Record<string, string | undefined> = {
  ...Object.fromEntries(given),
  ...(embedded && { LOKI_PUSH_ENDPOINT: embedded.url }),
};
const emulator = await createLambdaEmulator({
  executable,
  freeze: true,
  onFrozen: () => embedded?.destroyConnections(),
  function: { name: functionName, memorySizeMb: 512 },
  environment: {
    LOKI_EXTENSION_PORT: String(await freePort()),
    ...settings,
    // What it counts itself is in its own log at this level.
    LOKI_EXTENSION_LOG_LEVEL: settings['LOKI_EXTENSION_LOG_LEVEL']?.match(/^(?:debug|trace)$/i)?.[0] ?? 'info',
  },
});
const failures: string[] = [];
try {
  paragraph(
    'The built extension runs in an emulated Lambda: its process is stopped between invocations.',
    embedded
      ? 'It pushes to a Loki embedded in this program, and its connections are cut while it is stopped.'
      : 'It pushes straight to the endpoint in LOKI_PUSH_ENDPOINT.',
  );
  const story = await runScenario(emulator);
  printInvocations(story);
  printOwnWords(emulator.output);

  const types = (settings['LOKI_LOG_TYPES'] ?? 'platform,function').toLowerCase().split(/[\s,;]+/);
  if (embedded) {
    const accounts = balance(emulator.emitted, embedded.entries(), types);
    printStreams(embedded.entries());
    printSamples(embedded.entries());
    printBalance(accounts);
    const isRight = filters ? isAccountedFor(accounts, totalsOf(emulator.output)) : accounts.every(isWhole);
    if (!isRight) failures.push('what was sent and what arrived differ, see the table above');
  } else {
    const totals = totalsOf(emulator.output);
    printTotals(totals);
    if (totals.received === 0) failures.push('the extension sent nothing');
    else if (totals.accepted + totals.filtered < totals.received) {
      failures.push(`Loki accepted ${totals.accepted} of ${totals.received} lines and events`);
    }
  }
  failures.push(...emulator.violations);
  const exits = story.flatMap(({ shutdown }) => shutdown ?? []);
  const ended = exits.every(({ exitCode, exitedBeforeDeadline }) => exitCode === 0 && exitedBeforeDeadline);
  if (!ended) failures.push('the extension did not end in time with exit code 0');
} finally {
  await emulator.stop();
  await embedded?.close();
}

if (failures.length > 0 && isReal) {
  heading('check');
  const verdict = await runCheck(executable, settings);
  console.log(verdict.text.trimEnd());
  if (!verdict.ok) failures.push('check says why, see above');
}
heading('Verdict');
if (failures.length === 0 && filters)
  paragraph('Every line arrived once or was filtered, and the extension has counted it.');
else if (failures.length === 0 && embedded) paragraph('Every line arrived exactly once, unchanged and in order.');
else if (failures.length === 0)
  paragraph('Loki accepted every line. In Grafana:', `{function_name="${functionName}", source="lambda"}`);
else for (const failure of failures) paragraph(`FAILED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
