// The environment variables that Lambda gives to an external extension; nothing of the test's own environment leaks in.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

/** The function and the sandbox that the extension runs beside. */
export interface FunctionFacts {
  readonly name: string;
  readonly version: string;
  readonly handler: string;
  readonly memorySizeMb: number;
  readonly region: string;
  readonly accountId: string;
  readonly initializationType: string;
}

export const defaultFunction: FunctionFacts = {
  name: 'orders-api',
  version: '$LATEST',
  handler: 'src/index.handler',
  memorySizeMb: 128,
  region: 'eu-central-1',
  accountId: '123456789012',
  initializationType: 'on-demand',
};

/** Credentials of no account, to be looked for wherever they must not appear. */
export const functionSecrets = {
  AWS_ACCESS_KEY_ID: 'ASIAEXAMPLEEXAMPLE00',
  AWS_SECRET_ACCESS_KEY: 'example-secret-access-key-0123456789',
  AWS_SESSION_TOKEN: 'example-session-token-0123456789',
};

/** The platform's variables; the customer's own are merged over them by the caller. */
export function platformVariables(facts: FunctionFacts, runtimeApi: string): Record<string, string> {
  return {
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_REGION: facts.region,
    AWS_DEFAULT_REGION: facts.region,
    AWS_LAMBDA_FUNCTION_NAME: facts.name,
    AWS_LAMBDA_FUNCTION_VERSION: facts.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(facts.memorySizeMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: facts.initializationType,
    ...functionSecrets,
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib',
  };
}

/** The function's ARN, as an invocation names it. */
export function functionArn(facts: FunctionFacts, alias?: string): string {
  const arn = `arn:aws:lambda:${facts.region}:${facts.accountId}:function:${facts.name}`;
  return alias === undefined ? arn : `${arn}:${alias}`;
}
