// `make publish`: publishes the layer with the AWS CLI, one version in each region, and lets others use it where that was asked
// for. All is checked before anything is published; a region that fails stops no other; a table says at the end what there is.
// https://docs.aws.amazon.com/cli/latest/reference/lambda/publish-layer-version.html
// usage: REGION=eu-central-1,us-east-1 [ARCH=] [LAYER_NAME=] [PUBLIC=1 | ORGANIZATION=o-...] [YES=1] [DRY_RUN=1] node main.ts
// --variables-only looks at these alone: for whoever is about to build a layer first.
// exit: 0 all done, 1 a region failed, 2 nothing was published

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findProgram, root } from '../build/toolchain.ts';
import { callAws, shellLine } from './aws.ts';
import { permissionCommand, publishCommand } from './commands.ts';
import { problemOfLayer } from './layer-file.ts';
import { type PublishRequest, readRequest } from './request.ts';
import { type Row, table } from './table.ts';

const { version, description } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

async function main(): Promise<number> {
  const reading = readRequest(process.env);
  if (!reading.ok) return refuse(reading.problems);
  if (process.argv.includes('--variables-only')) return 0;
  const { request } = reading;
  if (request.dryRun) return dryRun(request);
  const problems = problemsOf(request);
  if (problems.length > 0) return refuse(problems);
  if (request.audience.kind === 'everybody' && !request.confirmed) {
    const objection = await askInPublic(request);
    if (objection !== undefined) return refuse([objection]);
  }
  const rows: Row[] = [];
  for (const region of request.regions) {
    console.error(`${region}: publishing`);
    rows.push(publishIn(region, request));
  }
  console.log(table(rows));
  return rows.every((row) => row.trouble === undefined) ? 0 : 1;
}

function refuse(problems: readonly string[]): number {
  for (const problem of problems) console.error(`make publish: ${problem}`);
  console.error('make publish: nothing was published');
  return 2;
}

/** What only the machine and AWS can tell. */
function problemsOf({ arch, regions, partition, layerFile }: PublishRequest): string[] {
  const problems = [problemOfLayer(layerFile, { arch, version })].filter((problem) => problem !== undefined);
  if (findProgram('aws') === undefined) {
    return [...problems, 'the AWS CLI (aws) is not on the PATH: install it, or use DRY_RUN=1 to see its commands'];
  }
  for (const region of regions) {
    // A region that does not exist, or is not switched on for this account, answers as wrong credentials do: with an error.
    const answer = callAws(['sts', 'get-caller-identity', '--region', region, '--output', 'json']);
    if (!answer.ok) problems.push(`${region}: who we are cannot be asked there: ${answer.reason}`);
    else if (partitionOfArn(answer.value['Arn']) !== partition) {
      problems.push(`${region} is of ${partition}, and the credentials are of ${partitionOfArn(answer.value['Arn'])}`);
    }
  }
  return problems;
}

function partitionOfArn(arn: unknown): string {
  return String(arn).split(':')[1] ?? 'no partition';
}

function publishIn(region: string, request: PublishRequest): Row {
  const published = publishVersion(region, request);
  if (!published.ok) return { region, trouble: published.reason };
  const arn = String(published.value['LayerVersionArn']);
  const permission = permissionCommand(region, String(published.value['Version']), request);
  if (permission === undefined) return { region, arn };
  const permitted = callAws(permission);
  // Of use to this account, and the version's number is taken: both are to be known.
  return permitted.ok ? { region, arn } : { region, arn, trouble: `published, but not shared: ${permitted.reason}` };
}

/** Some regions know no architectures, or not yet all runtimes: there the layer is offered without saying where it runs. */
function publishVersion(region: string, request: PublishRequest): ReturnType<typeof callAws> {
  const about = `${version}: ${description}`;
  const answer = callAws(publishCommand(region, about, request));
  if (answer.ok || !/compatible[ -]?(architectures|runtimes)/i.test(answer.reason)) return answer;
  console.error(`${region}: once more, without saying for which runtimes and architectures`);
  return callAws(publishCommand(region, about, request, { withCompatible: false }));
}

function dryRun(request: PublishRequest): number {
  for (const region of request.regions) {
    console.log(shellLine(publishCommand(region, `${version}: ${description}`, request)));
    const permission = permissionCommand(region, 'VERSION', request);
    if (permission !== undefined) console.log(shellLine(permission));
  }
  return 0;
}

/** Nothing if a person says yes; else why not. Without a terminal there is nobody to ask. */
async function askInPublic({ layerName, regions }: PublishRequest): Promise<string | undefined> {
  if (!process.stdin.isTTY) return 'PUBLIC=1 asks first, and there is no terminal to ask on: YES=1 says yes beforehand';
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Let every AWS account use ${layerName} in ${regions.join(', ')}? Type yes: `);
  terminal.close();
  return answer.trim().toLowerCase() === 'yes' ? undefined : 'not confirmed';
}

process.exitCode = await main();
