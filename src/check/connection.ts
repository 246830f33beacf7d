// Connects to Loki without a push, and reports name, connection, proxy and TLS as separate steps.
import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Endpoint } from '../config/endpoint.ts';
import type { Target } from '../diagnosis/symptoms.ts';
import type { Tools } from '../late/tools.ts';
import type { ConnectError, Connecting, ConnectStep, Way } from '../net/connect.ts';
import { type Clock, type EpochMs, settledBy } from '../time.ts';
import { type Step, stepOf } from './step.ts';

const LOOK_MS = 2;
const DAY_MS = 86_400_000;
/** A certificate that expires sooner should have been renewed. */
const FEW_DAYS = 14;
const NAMES: Readonly<Record<ConnectStep, string>> = {
  name: 'name',
  connection: 'connection',
  proxy: 'proxy',
  tls: 'TLS',
};

interface Followed {
  readonly ended: { readonly socket: Socket } | { readonly error: ConnectError };
  /** The last step that was reached. */
  readonly last: ConnectStep;
  /** When each step was seen to begin. */
  readonly begunMs: ReadonlyMap<ConnectStep, EpochMs>;
  readonly endMs: EpochMs;
}

/** Polls how far the connection has got. */
async function follow(connecting: Connecting, timeoutMs: number, clock: Clock): Promise<Followed> {
  const startMs = clock.now();
  const begunMs = new Map<ConnectStep, EpochMs>([['name', startMs]]);
  let end: Followed['ended'] | undefined;
  const settled = connecting.socket.then(
    (socket) => {
      end = { socket };
    },
    (error: ConnectError) => {
      end = { error };
    },
  );
  while (end === undefined && clock.now() < startMs + timeoutMs) {
    const step = connecting.step();
    if (!begunMs.has(step)) begunMs.set(step, clock.now());
    await settledBy(clock, settled, clock.now() + LOOK_MS);
  }
  const ended = end ?? { error: connecting.trouble(timeoutMs) };
  const last = connecting.step();
  if (!('socket' in ended)) connecting.cancel();
  return { ended, last, begunMs, endMs: clock.now() };
}

/** @returns the steps that were tried: either all succeeded, or the last one failed */
export async function tryConnection(
  { url }: Endpoint,
  way: Way,
  timeoutMs: number,
  target: Target,
  tools: Tools,
): Promise<readonly Step[]> {
  const { clock } = tools;
  const { origin, hostname, protocol } = new URL(url);
  const secure = protocol === 'https:';
  const steps: ConnectStep[] = [
    'name',
    'connection',
    ...(way.proxy && secure ? (['proxy'] as const) : []),
    ...(secure ? (['tls'] as const) : []),
  ];
  const { ended, last, begunMs, endMs } = await follow(tools.createConnector(origin, clock, way)(), timeoutMs, clock);

  /** The time from this step to the next one that was seen to begin. */
  function tookMs(step: ConnectStep): number {
    const next = steps.slice(steps.indexOf(step) + 1).flatMap((later) => begunMs.get(later) ?? [])[0] ?? endMs;
    return next - (begunMs.get(step) ?? next);
  }

  const wellDone = 'socket' in ended ? steps : steps.slice(0, steps.indexOf(last));
  const done = wellDone.map((step): Step => {
    const socket = 'socket' in ended ? ended.socket : undefined;
    const told = step === 'tls' && socket ? certificateOf(socket as TLSSocket, way, target, clock.now()) : undefined;
    return {
      step: NAMES[step],
      status: 'ok',
      text: textOf(step, hostname, way, socket),
      tookMs: tookMs(step),
      ...told,
    };
  });
  if ('socket' in ended) {
    ended.socket.destroy();
    return done;
  }
  const { phase, code, message: detail, address, proxy } = ended.error;
  const diagnosis = tools.diagnosePush({ kind: 'unreachable', phase, code, detail, address, proxy }, target);
  return diagnosis ? [...done, stepOf(NAMES[last], diagnosis)] : done;
}

function textOf(step: ConnectStep, hostname: string, { proxy }: Way, socket: Socket | undefined): string {
  const host = proxy?.host ?? hostname;
  switch (step) {
    case 'name':
      return isIP(host.replace(/^\[|\]$/g, '')) === 0 ? `${host} has an address` : `${host} is an address`;
    case 'connection': {
      const { remoteAddress = host, remotePort = '' } = socket ?? {};
      return `${proxy ? 'the proxy' : 'a server'} listens at ${remoteAddress}${remotePort && ` port ${remotePort}`}`;
    }
    case 'proxy':
      return 'the proxy opens the way to Loki';
    case 'tls':
      return 'TLS is spoken';
  }
}

/** What people want to know about the certificate: for whom, by whom, until when. */
function certificateOf(
  socket: TLSSocket,
  { trust }: Way,
  { outside }: Target,
  nowMs: EpochMs,
): Pick<Step, 'text' | 'status'> {
  const { subject, issuer, valid_to } = socket.getPeerCertificate();
  const shown = (text: unknown) =>
    outside(
      String(text ?? '?')
        .replaceAll(/[^\x20-\x7e]/g, '?')
        .slice(0, 80),
    ) ?? '?';
  const days = Math.floor((Date.parse(valid_to) - nowMs) / DAY_MS);
  const facts = `${socket.getProtocol()}, certificate of ${shown(subject?.CN)} by ${shown(issuer?.O ?? issuer?.CN)}, ${days} days left`;
  if (trust?.skipVerify)
    return { status: 'warn', text: `${facts}, and not verified: LOKI_TLS_INSECURE_SKIP_VERIFY is set` };
  return days < FEW_DAYS ? { status: 'warn', text: `${facts}: have it renewed` } : { status: 'ok', text: facts };
}
