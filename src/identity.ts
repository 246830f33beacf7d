// Who we are to Loki: what the platform says about the function, and the stream labels made from it.
import type { Config } from './config/config.ts';
import type { StreamType } from './loki/batch.ts';
import { formatLabels } from './loki/labels.ts';

export interface FunctionIdentity {
  readonly functionName: string;
  readonly functionVersion: string | undefined;
  /** Not available in every environment. */
  readonly accountId: string | undefined;
  readonly region: string | undefined;
}

export function streamLabels(config: Config, identity: FunctionIdentity): Record<StreamType, string> {
  const labelsOf = (type: StreamType) =>
    formatLabels({
      ...config.labels,
      service_name: config.serviceName ?? identity.functionName,
      function_name: identity.functionName,
      account_id: identity.accountId ?? '',
      region: identity.region ?? '',
      source: 'lambda',
      type,
    });
  return { function: labelsOf('function'), platform: labelsOf('platform'), extension: labelsOf('extension') };
}
