// A setting can name a secret instead of holding it: by the ARN of a Secrets Manager secret, in the form that ECS uses,
// or of an SSM parameter.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-access-parameters.html

export interface Reference {
  /** As written in the setting; equal references are fetched once. */
  readonly text: string;
  readonly service: 'secretsmanager' | 'ssm';
  /** `aws`, `aws-cn`, `aws-us-gov` and others: determines the service's domain. */
  readonly partition: string;
  readonly region: string;
  /** The ARN to ask the service for, without the parts that only we understand. */
  readonly id: string;
  /** The key of a secret that holds a JSON object. */
  readonly jsonKey: string | undefined;
  readonly versionStage: string | undefined;
  readonly versionId: string | undefined;
}

/** Whether the value of a setting is an ARN, and so not meant literally. */
export function isArn(text: string): boolean {
  return text.startsWith('arn:');
}

/** @returns undefined for an ARN of anything but a secret or a parameter */
export function parseReference(text: string): Reference | undefined {
  const [, partition = '', service, region = '', account = '', ...rest] = text.split(':');
  if (partition === '' || region === '' || account === '') return undefined;
  const where = { text, partition, region };
  if (service === 'ssm') {
    const isParameter = rest[0]?.startsWith('parameter/') === true && rest.length <= 2;
    return isParameter ? { ...where, service, id: text, ...WHOLE } : undefined;
  }
  const [type, name, jsonKey, versionStage, versionId, ...excess] = rest;
  if (service !== 'secretsmanager' || type !== 'secret' || !name || excess.length > 0) return undefined;
  return {
    ...where,
    service,
    id: `arn:${partition}:secretsmanager:${region}:${account}:secret:${name}`,
    jsonKey: jsonKey || undefined,
    versionStage: versionStage || undefined,
    versionId: versionId || undefined,
  };
}

const WHOLE = { jsonKey: undefined, versionStage: undefined, versionId: undefined } as const;
