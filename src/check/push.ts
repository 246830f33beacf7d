// Pushes one line with the client of the running extension, and reads it back if that is possible.
import type { Config } from '../config/config.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { Target } from '../diagnosis/symptoms.ts';
import type { FunctionIdentity } from '../identity.ts';
import type { Tools } from '../late/tools.ts';
import type { Way } from '../net/connect.ts';
import { readBack } from './read-back.ts';
import { type Step, stepOf } from './step.ts';

const STEP = 'push';

export interface PushTrial {
  readonly config: Config;
  readonly endpoint: Endpoint;
  readonly way: Way;
  readonly target: Target;
  readonly userAgent: string;
  readonly tools: Tools;
}

export async function tryPush(trial: PushTrial): Promise<readonly Step[]> {
  const { config, endpoint, way, target, userAgent, tools } = trial;
  const { clock } = tools;
  const client = tools.openClient(endpoint, config.pushTimeoutMs, userAgent, way);
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const push = async (withMetadata: boolean) => {
    const settings = { ...config, structuredMetadata: config.structuredMetadata && withMetadata };
    const body = tools.lineToPush(settings, identityOf(config), `aws-lambda-loki-extension check ${nonce}`, 'info');
    return client.push(body ?? Buffer.alloc(0));
  };
  const startMs = clock.now();
  const first = await push(true);
  const outcome = first.kind === 'metadata_disallowed' ? await push(false) : first;
  const tookMs = clock.now() - startMs;
  const warning = first.kind === 'metadata_disallowed' ? tools.diagnosePush(first, target) : undefined;
  const steps = warning ? [stepOf(STEP, warning, 'warn')] : [];
  const diagnosis = tools.diagnosePush(outcome, target);
  if (outcome.kind !== 'accepted') {
    return [
      ...steps,
      diagnosis ? stepOf(STEP, diagnosis) : { step: STEP, status: 'failed', text: 'the push came to nothing' },
    ];
  }
  const accepted: Step = {
    step: STEP,
    status: 'ok',
    text: `a line with ${nonce} was accepted: ${outcome.status}`,
    tookMs,
  };
  const odd = diagnosis ? [stepOf(STEP, diagnosis, 'warn')] : [];
  return [...steps, ...odd, accepted, await readBack(endpoint, way, nonce, userAgent, target, tools)];
}

/** Outside a function there is no name, so the command uses one of its own. */
function identityOf({
  functionName = 'aws-lambda-loki-extension-check',
  functionVersion,
  region,
}: Config): FunctionIdentity {
  return { functionName, functionVersion, accountId: undefined, region };
}
