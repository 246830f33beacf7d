// The command `check`: reads the environment as the running extension does, shows the settings in force, and goes to
// Loki step by step, with the same parts and the same words. It is a script of its own in the executable, loaded for
// this command only.
import type { Config, ConfigProblem, ConfigResult } from '../config/config.ts';
import type { Environment } from '../config/reader.ts';
import type { Setting } from '../config/settings.ts';
import type { Mask } from '../diagnosis/mask.ts';
import type { SandboxSymptom, Target } from '../diagnosis/symptoms.ts';
import type { Tools } from '../late/tools.ts';
import { version } from '../version.ts';
import { tryConnection } from './connection.ts';
import { formatReport } from './print.ts';
import { tryPush } from './push.ts';
import { type Noted, type Shown, showSettings } from './settings.ts';
import { type Step, stepOf } from './step.ts';

export interface CheckParts {
  /** The arguments after `check`. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly parseConfig: (env: Environment) => ConfigResult;
  readonly table: readonly Setting[];
  readonly late: typeof import('../late/index.ts');
}

export interface Report {
  readonly version: string;
  readonly ok: boolean;
  readonly settings: readonly Shown[];
  readonly problems: readonly Problem[];
  readonly sandbox: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly steps: readonly Step[];
  readonly verdict: string;
}

interface Problem {
  readonly level: 'error' | 'warn';
  readonly id: string;
  readonly message: string;
  readonly remedy: string;
}

const USAGE = 'usage: aws-lambda-loki-extension check [--json]\n';
const PLAIN_COLUMNS = 80;
/** The variables that Lambda sets and the extension reads. */
const LAMBDA_VARIABLES = [
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'NODE_EXTRA_CA_CERTS',
];

/** @returns the exit code: 0 if all is well, 1 if a step has failed, 2 for wrong arguments */
export async function runCheck(parts: CheckParts): Promise<number> {
  const { args } = parts;
  const asJson = args.includes('--json');
  const unknown = args.find((arg) => !['--json', '--help', '-h'].includes(arg));
  if (unknown !== undefined) {
    process.stderr.write(`unknown argument ${JSON.stringify(unknown)}\n${USAGE}`);
    return 2;
  }
  if (args.some((arg) => arg !== '--json')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = await check(parts);
  const { columns = PLAIN_COLUMNS } = process.stdout;
  process.stdout.write(asJson ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report, columns));
  return report.ok ? 0 : 1;
}

async function check(parts: CheckParts): Promise<Report> {
  const { env, table, late } = parts;
  const tools = await late.openTools();
  const read = parts.parseConfig(env);
  const mask = tools.createMask(tools.secretsOf(read.config));
  const problems = new Map<string, SandboxSymptom>();
  const noted: Noted[] = [];
  const note = (symptom: SandboxSymptom) => problems.set(JSON.stringify(symptom), symptom);
  const noteProblem = ({ level, variable, message }: Noted & Pick<ConfigProblem, 'level'>) => {
    noted.push({ variable, message });
    note({ kind: 'setting', level, message });
  };
  const noteSetting = (variable: string, message: string, level: 'error' | 'warn' = 'warn') =>
    noteProblem({ level, variable, message: `${variable} ${message}` });
  read.problems.forEach(noteProblem);
  const rules =
    read.config.filters &&
    tools.readRules(read.config.filters, {
      labels: read.config.labels,
      tell: (level, variable, message) => noteSetting(variable, message, level),
      tooSlow() {},
    });
  for (const { variable, meant } of tools.findNearMisses(env)) note({ kind: 'unknown_setting', variable, meant });

  let { config } = read;
  const steps: Step[] = [];
  if (config.byReference) {
    const resolved = await tools.resolveReferences(config.byReference, noteSetting);
    if ('trouble' in resolved) {
      const diagnosis = tools.diagnosePush({ kind: 'unready', secret: resolved }, nowhere(mask));
      if (diagnosis) steps.push(stepOf('secrets', diagnosis));
    } else {
      mask.add([...resolved.values, ...tools.secretsOf(resolved.config)]);
      resolved.problems.forEach(noteProblem);
      config = resolved.config;
      steps.push({ step: 'secrets', status: 'ok', text: 'what the settings refer to is there' });
    }
  }
  if (config.endpoint) steps.push(...(await tryWay(config, config.endpoint, mask, tools, noteSetting)));
  else if (steps.length === 0) {
    const why = config.enabled ? 'there is no endpoint' : 'LOKI_EXTENSION_ENABLED is false';
    steps.push({ step: 'push', status: 'skipped', text: `not tried: ${why}` });
  }
  const told = [...problems.values()].map((symptom): Problem => {
    const { id, level, sentence, remedy } = tools.diagnoseSandbox(symptom);
    return { level: level === 'error' ? 'error' : 'warn', id, message: sentence, remedy };
  });
  const failure = steps.find(({ status }) => status === 'failed');
  const unusable = told.find(({ level }) => level === 'error');
  const ok = config.enabled && !failure && !unusable;
  const sandbox = LAMBDA_VARIABLES.map((name) => ({ name, value: env[name]?.trim() || undefined }));
  const settings = showSettings(table, env, config, rules, noted);
  const verdict = verdictOf(config, steps, unusable, failure);
  return masked({ version, ok, settings, problems: told, sandbox, steps, verdict }, mask);
}

async function tryWay(
  config: Config,
  endpoint: NonNullable<Config['endpoint']>,
  mask: Mask,
  tools: Tools,
  note: Parameters<Tools['wayTo']>[2],
): Promise<readonly Step[]> {
  const target = tools.targetOf(endpoint, mask.outside, config);
  const way = tools.wayTo(config, endpoint, note);
  const connection = await tryConnection(endpoint, way, config.pushTimeoutMs, target, tools);
  if (connection.some(({ status }) => status === 'failed')) return connection;
  const userAgent = `aws-lambda-loki-extension/${version}`;
  return [...connection, ...(await tryPush({ config, endpoint, way, target, userAgent, tools }))];
}

/** Of secrets it is told without where they are for. */
function nowhere({ outside }: Mask): Target {
  const unknown = 'Loki';
  return {
    ...{ host: unknown, hostname: unknown, port: 443, path: '', secure: true, isOwn: false },
    ...{ credentials: 'other', outside },
  };
}

function verdictOf(
  config: Config,
  steps: readonly Step[],
  unusable: Problem | undefined,
  failure: Step | undefined,
): string {
  if (!config.enabled) return 'LOKI_EXTENSION_ENABLED is false: nothing is sent';
  if (failure) return `${failure.text}${failure.remedy === undefined ? '' : ` -> ${failure.remedy}`}`;
  if (unusable) return `${unusable.message} -> ${unusable.remedy}`;
  const isSeen = steps.some(({ step, status }) => step === 'read back' && status === 'ok');
  return isSeen ? 'a line went to Loki and was read back' : 'a line went to Loki, which accepted it';
}

/** Every text of the report that is not purely our own words passes through the mask here. */
function masked(report: Report, mask: Mask): Report {
  const value = <T extends { readonly value: string | undefined }>(row: T): T => ({
    ...row,
    value: row.value && mask(row.value),
  });
  return {
    ...report,
    settings: report.settings.map(value),
    problems: report.problems.map((problem) => ({ ...problem, message: mask(problem.message) })),
    sandbox: report.sandbox.map(value),
    steps: report.steps.map((step) => ({ ...step, text: mask(step.text) })),
    verdict: mask(report.verdict),
  };
}
