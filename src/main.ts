// The executable: the command line, and the order of the start.
//
//   exec     Node itself starts. None of our code can be faster than that.
//   register The runtime does not start until we have registered, so this comes first and needs node:net alone.
//            The settings are parsed while the answer is under way.
//
// serve.ts takes over from there. Whatever fails on our side after the registration, the function goes on.
import { type Config, parseConfig } from './config/config.ts';
import { SETTINGS } from './config/settings.ts';
import { extensionNames } from './lambda/extension-name.ts';
import { createExtensionsApi, type ExtensionsApi, type Registration } from './lambda/extensions-api.ts';
import { createRuntimeApi, isAddress } from './lambda/runtime-api.ts';
import { leave, loadCheck, loadLate } from './late/load.ts';
import { createLog } from './log.ts';
import { lazily, serve } from './serve.ts';
import { createPace, systemClock } from './time.ts';
import { version } from './version.ts';

const USAGE = `aws-lambda-loki-extension ${version}
Sends the logs of an AWS Lambda function to Grafana Loki. Lambda starts it from /opt/extensions, without arguments.

  check      tries the settings of the environment: pushes one line, says in words what happens, exits 0 or 1; --json for machines
  --version  prints the version
  --help     prints this text

Settings are environment variables of the function: LOKI_PUSH_ENDPOINT, LOKI_USERNAME, LOKI_PASSWORD and others.
`;

/**
 * Options of the system's resolver: a few lost packets must not fail an attempt, and a silent name server must be
 * recognized as such.
 */
const RESOLVER_OPTIONS = 'timeout:1 attempts:3';

/** Pause between attempts to register while nothing answers: the platform may start listening later than we ask. */
const REGISTER_ATTEMPTS = 5;
const REGISTER_RETRY_MS = 50;

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  env['RES_OPTIONS'] ??= RESOLVER_OPTIONS;
  if (args[0] === 'check') return check(args.slice(1), env);
  if (args.length > 0) return commandLine(args);
  const address = env['AWS_LAMBDA_RUNTIME_API'];
  if (!address) {
    process.stderr.write('aws-lambda-loki-extension runs inside AWS Lambda only: AWS_LAMBDA_RUNTIME_API is not set\n');
    return 2;
  }
  if (!isAddress(address)) {
    process.stderr.write(
      `aws-lambda-loki-extension: AWS_LAMBDA_RUNTIME_API is not host:port: ${JSON.stringify(address)}\n`,
    );
    return 2;
  }
  const runtimeApi = createRuntimeApi(address);
  const extensionsApi = createExtensionsApi(runtimeApi, extensionNames(process.argv0, process.execPath));

  const settings = lazily(() => parseConfig(env));
  const initializationType = env['AWS_LAMBDA_INITIALIZATION_TYPE'];
  const managed = initializationType === 'lambda-managed-instances';
  const registration = await register(extensionsApi, managed, settings);
  if (typeof registration === 'string') {
    process.stderr.write(`aws-lambda-loki-extension could not register: ${registration}\n`);
    return 1;
  }
  const { config, problems } = settings();
  const late = lazily(() => loadLate({ overTls: needsTls(config), isFrozen: !managed }));
  const log = createLog(config.logLevel, async () => (await late()).openLogSink(config), systemClock.now);
  process.on('uncaughtException', (error) => {
    log.tellSymptom({ kind: 'internal_error', error });
  });
  const pace = createPace(slownessOf(config.memoryBytes), systemClock.now, threadCpuMs);
  const snapshot = initializationType === 'snap-start';
  await serve({ env, config, problems, registration, snapshot, runtimeApi, extensionsApi, late, pace, log });
  await log.printed();
  return 0;
}

async function register(
  extensionsApi: ExtensionsApi,
  managed: boolean,
  meanwhile: () => unknown,
): Promise<Registration | string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await extensionsApi.register(managed, meanwhile);
      return 'extensionId' in answer ? answer : `${answer.status} ${answer.message}`;
    } catch (error) {
      if (attempt === REGISTER_ATTEMPTS) return String(error);
      await new Promise<void>((resolve) => systemClock.after(REGISTER_RETRY_MS * attempt, resolve));
    }
  }
}

/** Whether the modules for https are loaded too: Loki, AWS or a proxy may need them. */
function needsTls({ endpoint, byReference, route }: Config): boolean {
  return byReference !== undefined || route !== undefined || (endpoint?.url.startsWith('https:') ?? false);
}

/** Lambda gives a function of this size one full CPU, and a smaller one a proportional share. */
const FULL_CPU_BYTES = 1_769 * 1024 * 1024;

/** Milliseconds of wall-clock time per millisecond of CPU time. Unknown memory counts as the smallest function's. */
function slownessOf(memoryBytes = 128 * 1024 * 1024): number {
  return FULL_CPU_BYTES / memoryBytes;
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

async function check(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const { runCheck } = await loadCheck();
  return runCheck({
    args,
    env,
    parseConfig,
    table: SETTINGS,
    late: await loadLate({ overTls: true, isFrozen: false }),
  });
}

function commandLine(args: readonly string[]): number {
  const [command = ''] = args;
  if (['--version', '-v', 'version'].includes(command)) {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (['--help', '-h', 'help'].includes(command)) {
    process.stdout.write(USAGE);
    return 0;
  }
  process.stderr.write(`unknown argument ${JSON.stringify(command)}\n\n${USAGE}`);
  return 2;
}

main(process.argv.slice(2), process.env).then(leave, (error: unknown) => {
  process.stderr.write(`aws-lambda-loki-extension: ${String(error)}\n`);
  leave(1);
});
