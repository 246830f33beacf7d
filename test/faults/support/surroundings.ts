// What stands around the extension for a whole run, and can be broken in it: a proxy, the services of AWS, TLS, limits of the process.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AwsAnswer, startFakeAws } from '../../fakes/aws-services.ts';
import { type ControlGroup, openControlGroup } from '../../fakes/control-group.ts';
import { MB_OF_ONE_CPU, openCpuShare } from '../../fakes/cpu-share.ts';
import { extensionExecutable } from '../../fakes/extension.ts';
import { startHttpProxy } from '../../fakes/http-proxy.ts';
import { functionSecrets } from '../../fakes/lambda/environment.ts';
import { certificatePath, startTlsRelay } from '../../fakes/tls-relay.ts';
import type { Way } from './way.ts';

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>;
  /** What is started, if not the extension's executable by itself. */
  readonly executable?: string;
  /** Breaks it, and mends it. */
  readonly begin?: () => void;
  readonly end?: () => void;
  readonly close?: () => Promise<void> | void;
}

/** Whatever is secret in a run. */
export const SECRET = 'sesame-opens-it';

/** Answers of a proxy to every request. */
export const ANSWERS = {
  refuses: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
  wantsCredentials:
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
  page: 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n<html>Sign in</html>\r\n',
} as const;

/** Answers of Secrets Manager. */
export const TROUBLE = {
  fails: { status: 500, text: '{}' },
  limits: { status: 400, text: '{"__type":"ThrottlingException","message":"Rate exceeded"}' },
  refuses: { status: 400, text: '{"__type":"AccessDeniedException","message":"not authorized"}' },
} as const;

/** @param answer what the proxy does with every request while it is broken */
export async function behindProxy(answer: string): Promise<Surroundings> {
  const options: { answer?: string } = {};
  const proxy = await startHttpProxy(options);
  return {
    environment: { LOKI_PROXY_URL: `http://127.0.0.1:${proxy.port}` },
    begin() {
      options.answer = answer;
      proxy.cut();
    },
    end() {
      delete options.answer;
      proxy.cut();
    },
    close: proxy.close,
  };
}

export const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:loki-AbCdEf';
export const PARAMETER_ARN = 'arn:aws:ssm:eu-central-1:123456789012:parameter/loki/password';

/** The password is fetched; @param trouble what the service answers while it is broken */
export async function withSecret(trouble: AwsAnswer, arn = SECRET_ARN): Promise<Surroundings> {
  let isBroken = false;
  const aws = await startFakeAws({
    accessKeyId: functionSecrets.AWS_ACCESS_KEY_ID,
    secretAccessKey: functionSecrets.AWS_SECRET_ACCESS_KEY,
    sessionToken: functionSecrets.AWS_SESSION_TOKEN,
    values: { [arn]: () => (isBroken ? trouble : SECRET) },
  });
  return {
    environment: { LOKI_PASSWORD: arn, AWS_ENDPOINT_URL: aws.url },
    begin() {
      isBroken = true;
    },
    end() {
      isBroken = false;
    },
    close: aws.close,
  };
}

/** The way is spoken to over TLS, with a certificate that is its own authority. */
export async function overTls({ url }: Way, isTrusted: boolean): Promise<Surroundings> {
  const relay = await startTlsRelay(Number(new URL(url).port));
  const trust = isTrusted ? { LOKI_TLS_CA: certificatePath } : {};
  return { environment: { LOKI_PUSH_ENDPOINT: relay.url, ...trust }, close: relay.close };
}

/** Lambda gives 1,024; Node itself takes some twenty. */
const DESCRIPTORS = 64;

export function withFewDescriptors(): Surroundings {
  return startedAfter(`ulimit -n ${DESCRIPTORS}`);
}

/** As much CPU as a function of this size has. */
export function withCpuOf(memoryMb: number): Surroundings {
  return inGroup(openCpuShare(memoryMb), { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb) });
}

/** Whoever takes more is killed by the kernel. */
export function withMemoryOf(megabytes: number): Surroundings {
  return inGroup(openMemoryLimit(megabytes));
}

/** Why there are no control groups; undefined where there are. */
export const NO_CONTROL_GROUPS: string | undefined = canLimit() ? undefined : 'no control groups for us here';

function canLimit(): boolean {
  const probes = [openCpuShare(MB_OF_ONE_CPU), openMemoryLimit(1_000)];
  for (const probe of probes) probe?.[Symbol.dispose]();
  return probes.every((probe) => probe !== undefined);
}

function openMemoryLimit(megabytes: number): ControlGroup | undefined {
  const bytes = String(megabytes * 1024 * 1024);
  return openControlGroup('memory', {
    one: ['memory', [['memory.limit_in_bytes', bytes]]],
    two: [
      'memory',
      [
        ['memory.max', bytes],
        ['memory.swap.max', '0'],
      ],
    ],
  });
}

function inGroup(group: ControlGroup | undefined, environment: Surroundings['environment'] = {}): Surroundings {
  if (group === undefined) throw new Error(String(NO_CONTROL_GROUPS));
  const started = startedAfter(`echo $$ > ${group.processes}`);
  const close = () => {
    started.close();
    group[Symbol.dispose]();
  };
  return { ...started, environment, close };
}

/** Started by a script of its own name that does something first. */
function startedAfter(command: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'surroundings-'));
  const executable = path.join(folder, path.basename(extensionExecutable()));
  writeFileSync(executable, `#!/bin/sh\n${command}\nexec ${extensionExecutable()}\n`, { mode: 0o755 });
  return { executable, close: () => rmSync(folder, { recursive: true }) };
}
