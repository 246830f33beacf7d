// The executable: command line, and the order of the start.
//
//   exec     Node itself starts. Nothing of ours can be faster than that.
//   register The runtime does not start before we have registered, so this comes first and needs node:net alone.
//            While the answer is under way: parse the settings, bind the listener.
//   subscribe, naming the port that was bound. Must come before the first next event.
//   next     With this request the platform takes us for ready. It may be hours until it is answered.
//   late     What the first record needs (late/index.ts: undici, protobufjs, snappyjs, pino) is loaded when the first
//            body is there, or the first event: until then it would cost start-up time and memory for nothing. What
//            init has logged is pushed at once, but for a snapshot: there everything waits for the first event.
//
// Whatever goes wrong on our side after the registration, the function goes on: see `runLifecycle`.
import { type Config, type ConfigProblem, parseConfig } from './config/config.ts';
import { SETTINGS } from './config/settings.ts';
import { runLifecycle } from './extension.ts';
import { extensionNames } from './lambda/extension-name.ts';
import { createExtensionsApi, type ExtensionsApi, type Registration } from './lambda/extensions-api.ts';
import { type Listener, openListener } from './lambda/listener.ts';
import { createRuntimeApi, isAddress, type RuntimeApi } from './lambda/runtime-api.ts';
import { subscribe } from './lambda/subscription.ts';
import { leave, loadCheck, loadLate, openHeap } from './late/load.ts';
import { createLog, type Log } from './log.ts';
import { createTidier } from './memory.ts';
import type { Pipeline } from './pipeline.ts';
import { createPace, type Pace, systemClock } from './time.ts';
import { version } from './version.ts';

const USAGE = `aws-lambda-loki-extension ${version}
Sends the logs of an AWS Lambda function to Grafana Loki. Lambda starts it from /opt/extensions, without arguments.

  check      tries the settings of the environment: pushes one line, says in words what happens, exits 0 or 1; --json for machines
  --version  prints the version
  --help     prints this text

Settings are environment variables of the function: LOKI_PUSH_ENDPOINT, LOKI_USERNAME, LOKI_PASSWORD and others.
`;

/**
 * Registering is tried again this often while nobody answers: the platform may be slower to listen than we are to ask.
 */
const REGISTER_ATTEMPTS = 5;
const REGISTER_RETRY_MS = 50;

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
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

  let settings: ReturnType<typeof parseConfig> | undefined;
  const managed = env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'lambda-managed-instances';
  const registration = await register(extensionsApi, managed, () => {
    settings ??= parseConfig(env);
  });
  if (typeof registration === 'string') {
    process.stderr.write(`aws-lambda-loki-extension could not register: ${registration}\n`);
    return 1;
  }
  const { config, problems } = settings ?? parseConfig(env);
  env['RES_OPTIONS'] ??= RESOLVER_OPTIONS;
  const late = lazily(() => loadLate(needsTls(config)));
  const log = createLog(config.logLevel, async () => (await late()).openLogSink(config), systemClock.now);
  process.on('uncaughtException', (error) => {
    log.tellSymptom({ kind: 'internal_error', error });
  });
  const pace = createPace(slownessOf(config.memoryBytes), systemClock.now, threadCpuMs);
  const snapshot = env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'snap-start';
  await serve({ env, config, problems, registration, snapshot, runtimeApi, extensionsApi, late, pace, log });
  await log.printed();
  return 0;
}

interface Started {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
  readonly registration: Registration;
  /**
   * The process will be part of a snapshot, which is restored many times: until the first event it may hold nothing
   * that is one sandbox's.
   */
  readonly snapshot: boolean;
  readonly runtimeApi: RuntimeApi;
  readonly extensionsApi: ExtensionsApi;
  readonly late: () => ReturnType<typeof loadLate>;
  readonly pace: Pace;
  readonly log: Log;
}

/** From the registration to SHUTDOWN. */
async function serve(started: Started): Promise<void> {
  const { env, config, problems, registration, snapshot, runtimeApi, extensionsApi, late, pace, log } = started;
  const isAimed = config.endpoint !== undefined || config.byReference !== undefined;
  const tellUnknownSettings = lazily(async () => {
    for (const symptom of config.enabled ? (await late()).findUnknownSettings(env) : []) log.tellSymptom(symptom);
  });
  const managed = !registration.events.includes('INVOKE');
  const openPipeline = lazily(async (): Promise<Pipeline | undefined> => {
    if (!config.enabled || !isAimed) return undefined;
    try {
      const identity = {
        functionName: registration.functionName ?? config.functionName ?? 'unknown',
        functionVersion: registration.functionVersion ?? config.functionVersion,
        accountId: registration.accountId,
        region: config.region,
      };
      const pipeline = await (await late()).openPipeline(config, identity, managed, log);
      if (!snapshot) pipeline?.begin();
      // The sandbox is frozen at the end of its init, unless there are no events.
      if (!managed) pipeline?.suspend();
      void tellUnknownSettings();
      return pipeline;
    } catch (error) {
      log.tellSymptom({ kind: 'internal_error', error, noneSent: true });
      return undefined;
    }
  });

  const tidier = createTidier(openHeap(), systemClock, setImmediate);
  const asked = Promise.withResolvers<void>();
  let isInit = true;
  let api: Api | undefined;
  if (config.enabled && isAimed) {
    const listener = await listen(config.port, log, (body, release) => {
      // The first body waits for the code that it needs, and that for the next event to be asked for; those after it
      // queue behind it in order.
      void asked.promise.then(openPipeline).then((pipeline) => {
        if (pipeline) pipeline.receive(body, release);
        else release();
        // Init has a whole CPU: code, connection and session are warm then when the first invocation comes, which has a
        // part of one.
        if (isInit && !snapshot && !managed) pipeline?.sendNow();
      });
    });
    if (listener) api = await trySubscribe(runtimeApi, registration, config, listener, log);
    // What secrets take is paid in init too, whether it logs anything or not; a snapshot may hold none.
    if (config.byReference && !snapshot) void asked.promise.then(openPipeline);
  }

  const terminated = Promise.withResolvers<unknown>();
  let askedBefore = false;
  // Before next is asked for: whoever sees that we are ready may end us.
  process.on('SIGTERM', terminated.resolve);
  await runLifecycle({
    async nextEvent() {
      const event = await extensionsApi.next(registration.extensionId, () => {
        tidier.idle();
        if (askedBefore) return;
        askedBefore = true;
        asked.resolve();
        // Not before: loading what prints them takes longer than the platform should wait for us.
        for (const { level, message } of problems) log.tellSymptom({ kind: 'setting', level, message });
        if (problems.length > 0) void tellUnknownSettings();
        if (log.isOn('info')) void sayStarted(late, config, api, log);
      });
      isInit = false;
      if (event.kind === 'invoke') tidier.awake();
      return event;
    },
    deliverer: () => (api ? openPipeline() : Promise.resolve(undefined)),
    terminated: terminated.promise,
    strategy: config.flushStrategy,
    onlyShutdown: managed,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: managed ? 1 / 2 : 1 / 3,
    pace,
    clock: systemClock,
    log,
  });
}

async function register(
  extensionsApi: ExtensionsApi,
  managed: boolean,
  meanwhile: () => void,
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

/** A port that is taken is no reason to fail: the subscription names the port, so any other will do. */
async function listen(
  port: number,
  log: Log,
  consume: Parameters<typeof openListener>[1],
): Promise<Listener | undefined> {
  try {
    return await openListener(port, consume);
  } catch (error) {
    log.tellSymptom({ kind: 'port_taken', port, error });
  }
  try {
    return await openListener(0, consume);
  } catch (error) {
    log.tellSymptom({ kind: 'no_port', error });
    return undefined;
  }
}

type Api = 'logs' | 'telemetry';

/** One line about where logs are sent. */
async function sayStarted(late: Started['late'], config: Config, api: Api | undefined, log: Log): Promise<void> {
  try {
    log.write('info', 'started', (await late()).describeStart(config, api));
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error });
  }
}

/** @returns the API through which the platform will deliver; undefined if it will not */
async function trySubscribe(
  runtimeApi: RuntimeApi,
  registration: Registration,
  config: Config,
  listener: Listener,
  log: Log,
): Promise<Api | undefined> {
  try {
    // The platform's records are always needed, to know when an invocation ends; the pipeline sends only the types that
    // were asked for.
    const types = [...new Set([...config.logTypes, 'platform' as const])];
    const subscription = await subscribe(runtimeApi, registration, config.api, types, listener);
    if (subscription.kind === 'subscribed') return subscription.api;
    if (subscription.kind === 'refused') {
      log.tellSymptom({ kind: 'subscription_refused', answers: subscription.answers });
    } else {
      log.tellSymptom({ kind: 'no_delivery' });
    }
  } catch (error) {
    log.tellSymptom({ kind: 'subscription_failed', error });
  }
  return undefined;
}

/** Whether what https needs is to be loaded with the rest: for Loki, AWS or a proxy. */
function needsTls({ endpoint, byReference, route }: Config): boolean {
  return byReference !== undefined || route !== undefined || (endpoint?.url.startsWith('https:') ?? false);
}

/** Lambda gives a function of this much memory one whole CPU, and a smaller one its part of it. */
const FULL_CPU_BYTES = 1_769 * 1024 * 1024;

/** How many milliseconds one of CPU time takes; unknown memory is taken for the smallest function's. */
function slownessOf(memoryBytes = 128 * 1024 * 1024): number {
  return FULL_CPU_BYTES / memoryBytes;
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * How the system's resolver waits: some lost packets must not cost an attempt, and a silent name server is to be known
 * for what it is.
 */
const RESOLVER_OPTIONS = 'timeout:1 attempts:3';

async function check(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  env['RES_OPTIONS'] ??= RESOLVER_OPTIONS;
  const { runCheck } = await loadCheck();
  return runCheck({ args, env, parseConfig, table: SETTINGS, late: await loadLate(true) });
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

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

main(process.argv.slice(2), process.env).then(leave, (error: unknown) => {
  process.stderr.write(`aws-lambda-loki-extension: ${String(error)}\n`);
  leave(1);
});
