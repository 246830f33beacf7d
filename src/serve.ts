// From the registration to SHUTDOWN, in this order:
//
//   listen     The port is bound first, because the subscription names it.
//   subscribe  It must come before the first request for the next event.
//   next       With this request we tell the platform that we are ready. It may be answered hours later.
//   late       The code for the first record (late/index.ts: undici, protobufjs, snappyjs, pino) is loaded when the
//              first body or the first event arrives: earlier it would cost start-up time and memory for nothing. Logs
//              of the init phase are pushed at once, except in a snapshot: there everything waits for the first event.
import type { Config, ConfigProblem } from './config/config.ts';
import { runLifecycle } from './extension.ts';
import type { ExtensionsApi, Registration } from './lambda/extensions-api.ts';
import { type Listener, openListener } from './lambda/listener.ts';
import type { RuntimeApi } from './lambda/runtime-api.ts';
import { subscribe } from './lambda/subscription.ts';
import { type loadLate, openHeap } from './late/load.ts';
import type { Log } from './log.ts';
import { createTidier } from './memory.ts';
import type { Pipeline } from './pipeline.ts';
import { type Pace, systemClock } from './time.ts';

export interface Started {
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
  readonly registration: Registration;
  /**
   * The process will be part of a snapshot, which is restored many times: until the first event it may hold nothing
   * that is unique to one sandbox.
   */
  readonly snapshot: boolean;
  readonly runtimeApi: RuntimeApi;
  readonly extensionsApi: ExtensionsApi;
  readonly late: () => ReturnType<typeof loadLate>;
  readonly pace: Pace;
  readonly log: Log;
}

/** Resolves when the sandbox ends. */
export async function serve(started: Started): Promise<void> {
  const { config, problems, registration, snapshot, extensionsApi, pace, log } = started;
  const managed = isManaged(registration);
  const tellUnknownSettings = lazily(() => tellUnknown(started));
  const openPipeline = lazily(() => tryOpenPipeline(started, tellUnknownSettings));
  const asked = Promise.withResolvers<void>();
  // Loading the code for the first body waits until the next event has been asked for; later bodies queue up in order.
  const openAfterNext = () => asked.promise.then(openPipeline);
  // Init has a full CPU. Warming up code, connection and TLS session there spares the first invocation, which has only
  // a share of one.
  let sendsAtOnce = !snapshot && !managed;
  let listener: Listener | undefined;
  let api: Api | undefined;
  if (config.enabled && isAimed(config)) {
    listener = await listen(config.port, log, (body, release) => {
      void openAfterNext().then((pipeline) => {
        if (pipeline) pipeline.receive(body, release);
        else release();
        if (sendsAtOnce) pipeline?.sendNow();
      });
    });
    if (listener) api = await trySubscribe(started, listener);
    // Fetching secrets is paid for in init too, whether or not it logs anything; a snapshot may not contain any.
    if (config.byReference && !snapshot) void openAfterNext();
  }

  const terminated = Promise.withResolvers<unknown>();
  // Must precede asking for the next event: once the platform sees that we are ready, it may end us.
  process.on('SIGTERM', terminated.resolve);
  const tidier = createTidier(openHeap(), systemClock, setImmediate);
  const firstAsked = lazily(() => {
    asked.resolve();
    // Not earlier: loading the printing code takes longer than the platform should wait for us.
    for (const { level, message } of problems) log.tellSymptom({ kind: 'setting', level, message });
    if (problems.length > 0) void tellUnknownSettings();
    if (log.isOn('info')) void sayStarted(started, api);
  });
  await runLifecycle({
    async nextEvent() {
      const event = await extensionsApi.next(registration.extensionId, () => {
        tidier.idle();
        firstAsked();
      });
      sendsAtOnce = false;
      if (event.kind === 'invoke') tidier.awake();
      return event;
    },
    deliverer: () => (api ? openPipeline() : Promise.resolve(undefined)),
    terminated: terminated.promise,
    strategy: config.flushStrategy,
    onlyShutdown: managed,
    flushTimeoutMs: config.flushTimeoutMs,
    lateShare: managed ? 3 / 4 : 1 / 3,
    pace,
    clock: systemClock,
    log,
  });
  listener?.close();
}

const isAimed = ({ endpoint, byReference }: Config) => endpoint !== undefined || byReference !== undefined;

/** Managed Instances send no event but SHUTDOWN. */
const isManaged = ({ events }: Registration) => !events.includes('INVOKE');

async function tellUnknown({ env, config, late, log }: Started): Promise<void> {
  for (const symptom of config.enabled ? (await late()).findUnknownSettings(env) : []) log.tellSymptom(symptom);
}

/** @returns undefined when nothing is to be sent, or when our own code fails */
async function tryOpenPipeline(
  { config, registration, snapshot, late, log }: Started,
  tellUnknownSettings: () => void,
): Promise<Pipeline | undefined> {
  if (!config.enabled || !isAimed(config)) return undefined;
  try {
    const identity = {
      functionName: registration.functionName ?? config.functionName ?? 'unknown',
      functionVersion: registration.functionVersion ?? config.functionVersion,
      accountId: registration.accountId,
      region: config.region,
    };
    const managed = isManaged(registration);
    const pipeline = await (await late()).openPipeline(config, identity, managed, log);
    if (!snapshot) pipeline?.begin();
    // The sandbox is frozen at the end of init, unless there are no events.
    if (!managed) pipeline?.suspend();
    tellUnknownSettings();
    return pipeline;
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error, noneSent: true });
    return undefined;
  }
}

type Api = 'logs' | 'telemetry';
type BodyConsumer = Parameters<typeof openListener>[1];

/** A port in use is no reason to fail: the subscription names the port, so any other will do. */
async function listen(port: number, log: Log, consume: BodyConsumer): Promise<Listener | undefined> {
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

/** @returns the API through which the platform will deliver; undefined if it will not */
async function trySubscribe(
  { runtimeApi, registration, config, log }: Started,
  listener: Listener,
): Promise<Api | undefined> {
  try {
    // The platform's own records are always needed to detect the end of an invocation; the pipeline sends only the
    // requested types.
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

/** One line that says where logs are sent. */
async function sayStarted({ late, config, log }: Started, api: Api | undefined): Promise<void> {
  try {
    log.write('info', 'started', (await late()).describeStart(config, api));
  } catch (error) {
    log.tellSymptom({ kind: 'internal_error', error });
  }
}

/** Memoizes `make`, which is called once. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
