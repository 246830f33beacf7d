// Settings: a table of odd values for each, and what holds for all of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, type ConfigProblem, parseConfig } from '../../../src/config/config.ts';
import { FILTER_SETTINGS } from '../../../src/config/filter-settings.ts';
import type { Environment } from '../../../src/config/reader.ts';
import { SETTINGS, type SettingName } from '../../../src/config/settings.ts';

const ENDPOINT = 'https://loki.example.com';
const MIB = 1024 * 1024;

function parse(env: Environment): { config: Config; problems: readonly ConfigProblem[] } {
  return parseConfig({ LOKI_PUSH_ENDPOINT: ENDPOINT, ...env });
}

function variablesOf(problems: readonly ConfigProblem[]): string[] {
  return problems.map(({ level, variable }) => `${level} ${variable}`);
}

test('has defaults for everything but the endpoint', () => {
  const { config, problems } = parseConfig({ LOKI_PUSH_ENDPOINT: ENDPOINT });
  assert.deepEqual(problems, []);
  assert.deepEqual(config, {
    endpoint: { url: `${ENDPOINT}/loki/api/v1/push`, authorization: undefined, tenantId: undefined, headers: {} },
    labels: {},
    serviceName: undefined,
    structuredMetadata: true,
    enabled: true,
    api: 'auto',
    port: 1234,
    logLevel: 'warn',
    secrets: ['https://loki.example.com'],
    logTypes: ['platform', 'function'],
    filters: undefined,
    batchMaxBytes: 1_048_576,
    batchMaxWaitMs: 1000,
    bufferMaxBytes: 16 * MIB,
    maxLineBytes: 262_144,
    flushStrategy: 'adaptive',
    flushTimeoutMs: 2000,
    pushTimeoutMs: 5000,
    retryMinBackoffMs: 100,
    retryMaxBackoffMs: 10_000,
    memoryBytes: undefined,
    region: undefined,
    functionName: undefined,
    functionVersion: undefined,
    initializationType: undefined,
  } satisfies Config);
});

test('takes an empty or blank variable for one that is not set', () => {
  for (const blank of ['', ' ', '\n', '\t\r\n ']) {
    const env = Object.fromEntries(SETTINGS.map(({ name }) => [name, blank]));
    assert.deepEqual(
      parseConfig({ ...env, LOKI_PUSH_ENDPOINT: ENDPOINT }),
      parseConfig({ LOKI_PUSH_ENDPOINT: ENDPOINT }),
    );
  }
});

test("reads what Lambda says about the function, and nothing of the function's own", () => {
  const lambda = {
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_LAMBDA_FUNCTION_NAME: 'orders',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  };
  const { config } = parse({ ...lambda, DEBUG: '*', NODE_ENV: 'test', PORT: '80', LOG_LEVEL: 'debug', LOKI_URL: 'x' });
  assert.deepEqual(config, {
    ...parse({}).config,
    region: 'eu-central-1',
    functionName: 'orders',
    functionVersion: '$LATEST',
    initializationType: 'on-demand',
  });
  assert.equal(parse({ AWS_DEFAULT_REGION: 'us-east-1' }).config.region, 'us-east-1');
});

for (const [text, url] of [
  ['https://h.example', 'https://h.example/loki/api/v1/push'],
  ['https://h.example/', 'https://h.example/loki/api/v1/push'],
  ['  http://h.example:3100\n', 'http://h.example:3100/loki/api/v1/push'],
  ['HTTPS://H.example', 'https://h.example/loki/api/v1/push'],
  ['https://h.example/loki/api/v1/push', 'https://h.example/loki/api/v1/push'],
  ['https://h.example/gateway/push/', 'https://h.example/gateway/push/'],
  ['https://h.example?stage=a', 'https://h.example/loki/api/v1/push?stage=a'],
  ['https://h.example/x?stage=a#part', 'https://h.example/x?stage=a'],
  ['https://h.example/#part', 'https://h.example/loki/api/v1/push'],
  ['http://[::1]:3100', 'http://[::1]:3100/loki/api/v1/push'],
  ['http://user:word@h.example/a%20b', 'http://h.example/a%20b'],
] as const) {
  test(`pushes to ${url} when the endpoint is ${JSON.stringify(text)}`, () => {
    const { config, problems } = parseConfig({ LOKI_PUSH_ENDPOINT: text });
    assert.equal(config.endpoint?.url, url);
    assert.deepEqual(problems, []);
  });
}

for (const text of [undefined, '', ' ', 'loki', 'h.example:3100', 'ftp://h.example', 'https://', 'http://h:99999']) {
  test(`sends nothing, and says what to set, when the endpoint is ${JSON.stringify(text)}`, () => {
    const { config, problems } = parseConfig({ LOKI_PUSH_ENDPOINT: text });
    assert.equal(config.endpoint, undefined);
    assert.deepEqual(variablesOf(problems), ['error LOKI_PUSH_ENDPOINT']);
    assert.match(problems[0]?.message ?? '', /^LOKI_PUSH_ENDPOINT .*no logs are sent. Set it to .*https:\/\//);
  });
}

test('does not ask for an endpoint when the extension is switched off', () => {
  const { config, problems } = parseConfig({ LOKI_EXTENSION_ENABLED: 'off' });
  assert.equal(config.enabled, false);
  assert.equal(config.endpoint, undefined);
  assert.deepEqual(problems, []);
});

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const authorizationCases: [string, Environment, string | undefined, SettingName[]][] = [
  ['nothing without credentials', {}, undefined, []],
  ['basic auth', { LOKI_USERNAME: '12345', LOKI_PASSWORD: 'p:w=' }, basic('12345', 'p:w='), []],
  [
    'basic auth in UTF-8',
    { LOKI_USERNAME: 'J\u00f6rg', LOKI_PASSWORD: '\u4fa1\ud83e\uddc0' },
    basic('J\u00f6rg', '\u4fa1\ud83e\uddc0'),
    [],
  ],
  ['basic auth without pasted line ends', { LOKI_USERNAME: ' u\n', LOKI_PASSWORD: '\tp\r\n' }, basic('u', 'p'), []],
  ['a user name alone, with a warning', { LOKI_USERNAME: 'u' }, basic('u', ''), ['LOKI_USERNAME']],
  ['nothing for a password alone, with a warning', { LOKI_PASSWORD: 'p' }, undefined, ['LOKI_PASSWORD']],
  ['a bearer token', { LOKI_BEARER_TOKEN: 'abc.def=\n' }, 'Bearer abc.def=', []],
  ['a bearer token pasted with its scheme', { LOKI_BEARER_TOKEN: 'Bearer  abc' }, 'Bearer abc', []],
  [
    'the token when there are both',
    { LOKI_BEARER_TOKEN: 'abc', LOKI_USERNAME: 'u', LOKI_PASSWORD: 'p' },
    'Bearer abc',
    ['LOKI_BEARER_TOKEN'],
  ],
  [
    'the token and not the user info',
    { LOKI_BEARER_TOKEN: 'abc', LOKI_PUSH_ENDPOINT: 'http://u:p@h' },
    'Bearer abc',
    ['LOKI_BEARER_TOKEN'],
  ],
  ['no token that no header can hold', { LOKI_BEARER_TOKEN: 'a\nb' }, undefined, ['LOKI_BEARER_TOKEN']],
  [
    'basic auth when the token is bad',
    { LOKI_BEARER_TOKEN: 'a b', LOKI_USERNAME: 'u', LOKI_PASSWORD: 'p' },
    basic('u', 'p'),
    ['LOKI_BEARER_TOKEN'],
  ],
  ['user info', { LOKI_PUSH_ENDPOINT: 'http://u%40x:p%3A%2F%C3%B6@h' }, basic('u@x', 'p:/\u00f6'), []],
  ['user info with a raw sign', { LOKI_PUSH_ENDPOINT: 'http://u:p@w@h' }, basic('u', 'p@w'), []],
  [
    'user info that is not well encoded, as it is',
    { LOKI_PUSH_ENDPOINT: 'http://u:100%@h' },
    basic('u', '100%'),
    ['LOKI_PUSH_ENDPOINT'],
  ],
  ['a user name alone in the URL', { LOKI_PUSH_ENDPOINT: 'http://u@h' }, basic('u', ''), ['LOKI_PUSH_ENDPOINT']],
  [
    'the variables before the user info',
    { LOKI_PUSH_ENDPOINT: 'http://u:p@h', LOKI_USERNAME: 'v', LOKI_PASSWORD: 'w' },
    basic('v', 'w'),
    [],
  ],
  [
    'the user of the URL with the password variable',
    { LOKI_PUSH_ENDPOINT: 'http://u@h', LOKI_PASSWORD: 'w' },
    basic('u', 'w'),
    [],
  ],
  ['an Authorization header', { LOKI_HEADERS: 'authorization=Token x=y' }, 'Token x=y', []],
  [
    'the credentials before the header',
    { LOKI_HEADERS: 'Authorization=Token x', LOKI_BEARER_TOKEN: 'abc' },
    'Bearer abc',
    ['LOKI_HEADERS'],
  ],
];
for (const [what, env, authorization, warned] of authorizationCases) {
  test(`sends as authorization ${what}`, () => {
    const { config, problems } = parse(env);
    assert.equal(config.endpoint?.authorization, authorization);
    assert.deepEqual(config.endpoint?.headers, {});
    assert.deepEqual(
      variablesOf(problems),
      warned.map((name) => `warn ${name}`),
    );
  });
}

test('takes the tenants that Loki takes, and sends no other', () => {
  for (const id of ['a', '1', "A-z_0.9!*'()", '..a', 'x'.repeat(150), ' a\n']) {
    const { config, problems } = parse({ LOKI_TENANT_ID: id });
    assert.equal(config.endpoint?.tenantId, id.trim());
    assert.deepEqual(problems, []);
  }
  for (const id of ['.', '..', 'a|b', 'a b', 'a/b', '\u00e4', 'a\nb', 'x'.repeat(151)]) {
    const { config, problems } = parse({ LOKI_TENANT_ID: id });
    assert.equal(config.endpoint?.tenantId, undefined);
    assert.deepEqual(variablesOf(problems), ['warn LOKI_TENANT_ID']);
  }
});

const headerCases: [string, Record<string, string>, number][] = [
  ['X-A=1', { 'x-a': '1' }, 0],
  [' X-A = a b , X-B=c=d==, ', { 'x-a': 'a b', 'x-b': 'c=d==' }, 0],
  ['{"X-A":"1,2","X-B":3}', { 'x-a': '1,2', 'x-b': '3' }, 0],
  ['X-A=1,x-a=2', { 'x-a': '2' }, 1],
  ['X A=1,X-B=2', { 'x-b': '2' }, 1],
  ['nonsense,X-B=2', { 'x-b': '2' }, 1],
  ['X-A=,=1,X-B=2', { 'x-b': '2' }, 2],
  ['X-A=a\u0007b,X-B=a\u4fa1,X-C=a\r\nb', { 'x-c': 'a' }, 3],
  ['X-A=J\u00f6rg', { 'x-a': 'J\u00f6rg' }, 0],
  ['Host=a,Content-Length=1,content-type=x,Content-Encoding=gzip,Transfer-Encoding=chunked,Connection=close', {}, 6],
  ['Expect=100-continue,Upgrade=h2c,Keep-Alive=5,X-B=2', { 'x-b': '2' }, 3],
  ['__proto__=1,constructor=2', { ['__proto__']: '1', constructor: '2' }, 0],
  ['{"X-A":', {}, 1],
  ['{"X-A":null,"X-B":{},"X-C":[]}', {}, 3],
];
for (const [text, headers, warnings] of headerCases) {
  test(`reads the headers ${JSON.stringify(text)}`, () => {
    const { config, problems } = parse({ LOKI_HEADERS: text });
    assert.deepEqual(Object.entries(config.endpoint?.headers ?? {}), Object.entries(headers));
    assert.deepEqual(variablesOf(problems), Array(warnings).fill('warn LOKI_HEADERS'));
  });
}

test('sends the tenant of its own setting rather than that of a header', () => {
  assert.deepEqual(parse({ LOKI_HEADERS: 'X-Scope-OrgID=a' }).config.endpoint?.headers, { 'x-scope-orgid': 'a' });
  for (const id of ['a b', '..', 'team/1', 'x'.repeat(151)]) {
    const { config, problems } = parse({ LOKI_HEADERS: `X-Scope-OrgID=${id}` });
    assert.deepEqual(config.endpoint?.headers, {}, id);
    assert.match(problems.map(({ message }) => message).join(), /entry 1 is X-Scope-OrgID, which may hold letters/);
  }
  const { config, problems } = parse({ LOKI_HEADERS: 'X-Scope-OrgID=a', LOKI_TENANT_ID: 'b' });
  assert.deepEqual(config.endpoint?.headers, {});
  assert.equal(config.endpoint?.tenantId, 'b');
  assert.deepEqual(variablesOf(problems), ['warn LOKI_HEADERS']);
});

const labelCases: [string, Record<string, string>, string[]][] = [
  ['stage=prod', { stage: 'prod' }, []],
  [' stage = prod , team=a b ,', { stage: 'prod', team: 'a b' }, []],
  ['q=a=b==', { q: 'a=b==' }, []],
  [
    '{"stage":"prod","build":17,"beta":true,"list":"a,b=c"}',
    { stage: 'prod', build: '17', beta: 'true', list: 'a,b=c' },
    [],
  ],
  ['{}', {}, []],
  ['stage', {}, ['"stage"']],
  ['stage=', {}, ['"stage"']],
  ['=prod,team=a', { team: 'a' }, ['""']],
  ['1a=x,a-b=x,a.b=x,\u00e9=x,a b=x,team=a', { team: 'a' }, ['"1a"', '"a-b"', '"a.b"', '"\u00e9"', '"a b"']],
  ['__name__=x,__proto__=x,_ok=x', { _ok: 'x' }, ['"__name__"', '"__proto__"']],
  [
    'service_name=x,function_name=x,account_id=x,region=x,source=x,type=x,Type=y',
    { Type: 'y' },
    ['"service_name"', '"function_name"', '"account_id"', '"region"', '"source"', '"type"'],
  ],
  [
    'level=x,request_id=x,instance=x,tenant_id=x,alias=x,levels=y',
    { levels: 'y' },
    ['"level"', '"request_id"', '"instance"', '"tenant_id"', '"alias"'],
  ],
  ['a=1,a=2', { a: '2' }, ['"a"']],
  ['constructor=x,toString=y', { constructor: 'x', toString: 'y' }, []],
  ['{"a":null,"b":{"c":1},"d":[],"e":"x"}', { e: 'x' }, ['"a"', '"b"', '"d"']],
  ['{"a":"x"', {}, ['JSON']],
  ['a=K\u00e4se \ud83e\uddc0', { a: 'K\u00e4se \ud83e\uddc0' }, []],
];
for (const [text, labels, named] of labelCases) {
  test(`reads the labels ${JSON.stringify(text)}`, () => {
    const { config, problems } = parse({ LOKI_LOG_LABELS: text });
    assert.deepEqual(Object.entries(config.labels), Object.entries(labels));
    assert.equal(problems.length, named.length);
    for (const [index, name] of named.entries()) {
      assert.equal(problems[index]?.variable, 'LOKI_LOG_LABELS');
      assert.ok(problems[index]?.message.includes(name), problems[index]?.message);
    }
  });
}

test('keeps as many labels as Loki takes beside the five of the extension', () => {
  const pairs = Array.from({ length: 13 }, (_, index) => `l${index}=x`);
  const { config, problems } = parse({ LOKI_LOG_LABELS: [...pairs, 'l3=y'].join(',') });
  assert.equal(Object.keys(config.labels).length, 10);
  assert.equal(config.labels['l3'], 'y');
  assert.deepEqual(
    problems.map(({ message }) => /label ("\w+")/.exec(message)?.[1]),
    ['"l10"', '"l11"', '"l12"', '"l3"'],
  );
});

test('cuts a label value that is too long for Loki on a character boundary', () => {
  for (const [name, env] of [
    ['LOKI_LOG_LABELS', { LOKI_LOG_LABELS: `a=x${'\u00e9'.repeat(1024)}` }],
    ['LOKI_SERVICE_NAME', { LOKI_SERVICE_NAME: `x${'\u00e9'.repeat(1024)}` }],
  ] as const) {
    const { config, problems } = parse(env);
    assert.equal(config.labels['a'] ?? config.serviceName, `x${'\u00e9'.repeat(1023)}`);
    assert.deepEqual(variablesOf(problems), [`warn ${name}`]);
  }
  assert.deepEqual(parse({ LOKI_SERVICE_NAME: 'x'.repeat(2048) }).problems, []);
  assert.equal(parse({ LOKI_SERVICE_NAME: ' orders \n' }).config.serviceName, 'orders');
});

for (const [name, field] of [
  ['LOKI_STRUCTURED_METADATA', 'structuredMetadata'],
  ['LOKI_EXTENSION_ENABLED', 'enabled'],
] as const) {
  test(`reads ${name} in every usual spelling`, () => {
    for (const text of ['true', 'TRUE', '1', 'yes', 'On', ' true\n'])
      assert.equal(parse({ [name]: text }).config[field], true);
    for (const text of ['false', 'False', '0', 'NO', 'off']) assert.equal(parse({ [name]: text }).config[field], false);
    for (const text of ['maybe', '2', 'true false', 'constructor', '"false']) {
      const { config, problems } = parse({ [name]: text });
      assert.equal(config[field], true);
      assert.deepEqual(problems, [
        {
          level: 'warn',
          variable: name,
          message: `${name} is neither true nor false: ${JSON.stringify(text)}; using true`,
        },
      ]);
    }
  });
}

const choiceCases: [SettingName, keyof Config, string[], string][] = [
  ['LOKI_EXTENSION_API', 'api', ['auto', 'logs', 'telemetry'], 'auto'],
  ['LOKI_FLUSH_STRATEGY', 'flushStrategy', ['end', 'continuous', 'adaptive'], 'adaptive'],
  ['LOKI_EXTENSION_LOG_LEVEL', 'logLevel', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'warn'],
];
for (const [name, field, choices, fallback] of choiceCases) {
  test(`reads ${name} in any case, and falls back to ${fallback}`, () => {
    for (const choice of choices) {
      assert.equal(parse({ [name]: choice }).config[field], choice);
      assert.equal(parse({ [name]: ` ${choice.toUpperCase()} ` }).config[field], choice);
    }
    for (const text of ['nonsense', 'constructor', '__proto__', choices.join()]) {
      const { config, problems } = parse({ [name]: text });
      assert.equal(config[field], fallback);
      assert.deepEqual(variablesOf(problems), [`warn ${name}`]);
      for (const part of [text, fallback, ...choices]) assert.ok(problems[0]?.message.includes(part));
    }
  });
}

test('takes `warning` for the level warn', () => {
  const { config, problems } = parse({ LOKI_EXTENSION_LOG_LEVEL: 'WARNING' });
  assert.equal(config.logLevel, 'warn');
  assert.deepEqual(problems, []);
});

for (const [text, types, warnings] of [
  ['function', ['function'], 0],
  ['extension, FUNCTION', ['function', 'extension'], 0],
  ['platform,function,extension', ['platform', 'function', 'extension'], 0],
  ['function,function,', ['function'], 0],
  ['functions,platform', ['platform'], 1],
  ['nonsense,other', ['platform', 'function'], 1],
  [',', ['platform', 'function'], 1],
] as const) {
  test(`reads the log types ${text}`, () => {
    const { config, problems } = parse({ LOKI_LOG_TYPES: text });
    assert.deepEqual(config.logTypes, types);
    assert.deepEqual(variablesOf(problems), Array(warnings).fill('warn LOKI_LOG_TYPES'));
  });
}

const numberFields: Partial<Record<SettingName, keyof Config>> = {
  LOKI_EXTENSION_PORT: 'port',
  LOKI_BATCH_MAX_BYTES: 'batchMaxBytes',
  LOKI_BATCH_MAX_WAIT_MS: 'batchMaxWaitMs',
  LOKI_BUFFER_MAX_BYTES: 'bufferMaxBytes',
  LOKI_MAX_LINE_BYTES: 'maxLineBytes',
  LOKI_FLUSH_TIMEOUT_MS: 'flushTimeoutMs',
  LOKI_PUSH_TIMEOUT_MS: 'pushTimeoutMs',
  LOKI_RETRY_MIN_BACKOFF_MS: 'retryMinBackoffMs',
  LOKI_RETRY_MAX_BACKOFF_MS: 'retryMaxBackoffMs',
};
test('the limits of each number', () => {
  const limits = SETTINGS.flatMap((setting) =>
    setting.kind === 'number' ? [[setting.name, setting.min, setting.max]] : [],
  );
  assert.deepEqual(limits, [
    ['LOKI_EXTENSION_PORT', 1, 65_535],
    ['LOKI_BATCH_MAX_BYTES', 1_024, 3_145_728],
    ['LOKI_BATCH_MAX_WAIT_MS', 1, 900_000],
    ['LOKI_BUFFER_MAX_BYTES', 65_536, 1_073_741_824],
    ['LOKI_MAX_LINE_BYTES', 1_024, 262_144],
    ['LOKI_FLUSH_TIMEOUT_MS', 1, 900_000],
    ['LOKI_PUSH_TIMEOUT_MS', 1, 900_000],
    ['LOKI_RETRY_MIN_BACKOFF_MS', 1, 900_000],
    ['LOKI_RETRY_MAX_BACKOFF_MS', 1, 900_000],
  ]);
});

for (const setting of SETTINGS) {
  if (setting.kind !== 'number') continue;
  const { name, min, max } = setting;
  test(`reads ${name} from ${min} to ${max}, and falls back to its default`, () => {
    const field = numberFields[name];
    assert.ok(field !== undefined);
    // Memory and the other end of the backoff are such that the limits of the table are what counts.
    const env = {
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '10240',
      LOKI_RETRY_MIN_BACKOFF_MS: '1',
      LOKI_RETRY_MAX_BACKOFF_MS: '900000',
    };
    const fallback = name === 'LOKI_BUFFER_MAX_BYTES' ? 64 * MIB : Number(setting.default);
    for (const number of [min, max, min + 1]) {
      const { config, problems } = parse({ ...env, [name]: ` ${number}\n` });
      assert.equal(config[field], number);
      assert.deepEqual(problems, []);
    }
    for (const text of [
      `${min - 1}`,
      `${max + 1}`,
      '-1',
      '1.5',
      '1e6',
      '0x1000',
      '5000 apples',
      'Infinity',
      'NaN',
      '1_000',
      '9'.repeat(400),
    ]) {
      const { config, problems } = parse({ ...env, [name]: text });
      assert.equal(config[field], fallback, text);
      assert.deepEqual(variablesOf(problems), [`warn ${name}`]);
      const message = problems[0]?.message ?? '';
      assert.ok(
        message.includes(text.slice(0, 100)) && message.includes(`using ${fallback}`) && message.length < 300,
        message,
      );
    }
  });
}

test("does not listen on the platform's own port", () => {
  const { config, problems } = parse({ LOKI_EXTENSION_PORT: '9001' });
  assert.equal(config.port, 1234);
  assert.deepEqual(variablesOf(problems), ['warn LOKI_EXTENSION_PORT']);
});

test("bounds the buffer by the function's memory", () => {
  for (const [memory, bytes] of [
    ['128', 16 * MIB],
    ['256', 32 * MIB],
    ['512', 64 * MIB],
    ['10240', 64 * MIB],
    ['16', 4 * MIB],
    ['nonsense', 16 * MIB],
    ['', 16 * MIB],
    ['-1', 4 * MIB],
  ] as const) {
    assert.equal(parse({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory }).config.bufferMaxBytes, bytes, memory);
  }
  const half = { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128', LOKI_BUFFER_MAX_BYTES: String(64 * MIB) };
  assert.deepEqual(parse(half).problems, []);
  const more = parse({ ...half, LOKI_BUFFER_MAX_BYTES: String(64 * MIB + 1) });
  assert.equal(more.config.bufferMaxBytes, 16 * MIB);
  assert.match(more.problems[0]?.message ?? '', /from 65536 to 67108864 bytes: "67108865"; using 16777216$/);
});

test('does not let the longest backoff be shorter than the first', () => {
  const { config, problems } = parse({ LOKI_RETRY_MIN_BACKOFF_MS: '20000' });
  assert.deepEqual([config.retryMinBackoffMs, config.retryMaxBackoffMs], [20_000, 20_000]);
  assert.deepEqual(variablesOf(problems), ['warn LOKI_RETRY_MAX_BACKOFF_MS']);
});

/** What is wrong with these is found out where they are used: test/integration/{trust,proxy}.test.ts. */
const READ_LATE = ['LOKI_PROXY_URL', 'LOKI_TLS_CA', 'LOKI_TLS_CERT', 'LOKI_TLS_KEY'];

test('tells all problems at once, each with the name of its variable', () => {
  const bad = Object.fromEntries(SETTINGS.map(({ name }) => [name, '\u00e4 \u0000 b,']));
  const { problems } = parseConfig({ ...bad, LOKI_EXTENSION_ENABLED: 'what', LOKI_PASSWORD: '' });
  // Those of filters are read, and told of, by code that is loaded for them.
  const elsewhere: readonly string[] = [
    ...FILTER_SETTINGS.map(({ name }) => name),
    'LOKI_SERVICE_NAME',
    'LOKI_PASSWORD',
    ...READ_LATE,
  ];
  const expected = SETTINGS.map(({ name }) => name).filter((name) => !elsewhere.includes(name));
  assert.deepEqual([...new Set(problems.map(({ variable }) => variable))].sort(), [...expected].sort());
  for (const { variable, message } of problems) {
    assert.ok(message.startsWith(`${variable} `));
    assert.doesNotMatch(message, /[\0\n]/);
  }
});

test('has no secret in any message, however the secret is written', () => {
  const secret = 's3cr3t-T0ken';
  const shapes = [
    '#',
    '#=',
    '=#',
    '#==',
    ' #\n',
    '#\n#',
    'Bearer #',
    '# #',
    '#:',
    ':#',
    'u:#@h',
    '"#"',
    '{"#',
    '{"#":1}',
    '{"a":"#"}',
    '{"#":null}',
  ]
    .concat([
      'X-A=#',
      'X-A=#\u0007',
      'X A=#',
      '#=\u0007',
      'Host=#',
      'X-A=1,#',
      'Authorization: #=',
      'Authorization=#',
      'X-A=1,X-A=#,X-A=#',
    ])
    .concat([
      'http://#@h',
      'http://u:#@h',
      'http://u:#%@h',
      'http://#:#@',
      '//u:#@h',
      'htp://u:#@h',
      '#://h',
      'http://h:#',
      'http://u:#@h:99999',
    ])
    .map((shape) => shape.replaceAll('#', secret));
  const names = ['LOKI_PASSWORD', 'LOKI_BEARER_TOKEN', 'LOKI_HEADERS', 'LOKI_PUSH_ENDPOINT'] as const;
  let told = 0;
  for (const first of names) {
    for (const second of names) {
      for (const shape of shapes) {
        for (const other of shapes) {
          const { problems } = parseConfig({ LOKI_PUSH_ENDPOINT: 'http://u@h', [first]: shape, [second]: other });
          told += problems.length;
          for (const { message } of problems) assert.ok(!message.includes(secret), message);
        }
      }
    }
  }
  assert.ok(told > 1000);
});

test('marks in the table what must not be shown', () => {
  const secrets = SETTINGS.filter((setting) => 'secret' in setting).map(({ name }) => name);
  assert.deepEqual(secrets, [
    'LOKI_PUSH_ENDPOINT',
    'LOKI_PASSWORD',
    'LOKI_BEARER_TOKEN',
    'LOKI_HEADERS',
    'LOKI_PROXY_URL',
    'LOKI_TLS_KEY',
  ]);
});
