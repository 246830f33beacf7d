// Who takes part in the comparison: this extension under two flush strategies, and the other Loki extensions whose executables
// are named in the environment. Each runs with its own defaults and what its README asks for; what differs is said here.
// https://github.com/loafoe/aws-lambda-loki-extension, https://github.com/mumzworld-tech/LambdaWatch

import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../../test/fakes/extension.ts';
import { executablePath, hostArchitecture } from '../../build/toolchain.ts';

/** One column of the tables. */
export interface Subject {
  readonly name: string;
  readonly ours: boolean;
  readonly executable: string;
  readonly revision: string;
  readonly api: string;
  /** The settings that it was given, as the report shows them. */
  readonly settings: string;
  /** Its port, if it has no other. */
  readonly fixedPort?: number;
  /** The variables of the function, for a Loki at this base URL. */
  environment(lokiUrl: string): Promise<Record<string, string>>;
  /** A stored line without what the extension adds to each by a documented default. */
  undo(line: string): string;
  /** A printed line without what the extension takes away from each by a documented design. */
  expected(text: string): string;
}

const PUSH_PATH = '/loki/api/v1/push';
const PORT_LIMIT_MS = 5_000;
const unchanged = (line: string) => line;

/** This extension, once for each strategy that is compared. */
export function ownSubjects(revision: string): readonly Subject[] {
  return ['end', 'adaptive'].map((strategy) => ({
    name: `this, \`${strategy}\``,
    ours: true,
    executable: executablePath(hostArchitecture),
    revision,
    api: 'Logs API',
    settings: `\`LOKI_FLUSH_STRATEGY=${strategy}\`${strategy === 'adaptive' ? ', the default' : ''}`,
    async environment(lokiUrl) {
      const port = String(await freePort());
      return { LOKI_PUSH_ENDPOINT: lokiUrl, LOKI_FLUSH_STRATEGY: strategy, LOKI_EXTENSION_PORT: port };
    },
    undo: unchanged,
    expected: unchanged,
  }));
}

interface Rival extends Omit<Subject, 'ours' | 'executable' | 'revision'> {
  /** Variable with the path of its executable; with `_VERSION` behind it, the one with its revision. */
  readonly variable: string;
}

const rivals: readonly Rival[] = [
  {
    name: 'LambdaWatch',
    variable: 'PEER_LAMBDAWATCH',
    api: 'Telemetry API',
    settings: 'its defaults, and `SERVICE_NAME` as its README recommends',
    fixedPort: 8080,
    async environment(lokiUrl) {
      return { LOKI_URL: lokiUrl + PUSH_PATH, SERVICE_NAME: 'orders' };
    },
    // It writes the request id into each line unless LOKI_EXTRACT_REQUEST_ID=false: a choice, not damage.
    undo: (line) =>
      line.replace(/^\[request_id=[0-9a-f-]{36}\] /, '').replace(/^\s*\{"request_id":"[0-9a-f-]{36}",?/, '{'),
    // "Strips Lambda log prefixes, sends pure JSON to Loki", says its README.
    expected: (text) => text.replace(/^\S+Z\t[0-9a-f-]{36}\t[A-Z]+\t(?=\{)/, ''),
  },
  {
    name: 'loafoe',
    variable: 'PEER_LOAFOE',
    api: 'Logs API',
    settings:
      'its defaults; `AWS_SAM_LOCAL=true`, which does nothing but let it listen where there is no host `sandbox`',
    fixedPort: 1234,
    async environment(lokiUrl) {
      return { LOKI_PUSH_ENDPOINT: lokiUrl + PUSH_PATH, AWS_SAM_LOCAL: 'true' };
    },
    undo: unchanged,
    expected: unchanged,
  },
];

export interface Rivals {
  readonly given: readonly Subject[];
  /** Those left out, with the variable that would bring them in. */
  readonly missing: readonly { readonly name: string; readonly variable: string }[];
}

/** The rivals that the environment names. Throws when a path that it gives is no executable. */
export function rivalsFrom(environment: NodeJS.ProcessEnv): Rivals {
  const given: Subject[] = [];
  const missing: Rivals['missing'][number][] = [];
  for (const { variable, ...rival } of rivals) {
    const executable = environment[variable] ?? '';
    if (executable === '') {
      missing.push({ name: rival.name, variable });
      continue;
    }
    try {
      accessSync(executable, constants.X_OK);
    } catch {
      throw new Error(`${variable}: there is no executable at ${executable}`);
    }
    given.push({ ...rival, ours: false, executable, revision: environment[`${variable}_VERSION`] || 'not given' });
  }
  return { given, missing };
}

/** Waits until the subject's fixed port can be had; throws when somebody keeps it. */
export async function untilPortIsFree({ name, fixedPort }: Subject): Promise<void> {
  if (fixedPort === undefined) return;
  const endMs = performance.now() + PORT_LIMIT_MS;
  while (await answers(fixedPort)) {
    if (performance.now() > endMs) throw new Error(`${name} can only use port ${fixedPort}, and that is taken`);
    await wait(50);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
