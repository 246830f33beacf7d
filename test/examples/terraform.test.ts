// examples/terraform: parsed by hcl2json, which has Terraform's own parser, and looked at; formatted and validated by Terraform or
// OpenTofu where they are. Validation needs the AWS provider, which is not in a registry that this project uses.

import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram } from '../../scripts/build/toolchain.ts';
import { findOrBuild } from '../tools/build.ts';
import { examples, notRun, run, scratch } from './tools.ts';

const parser = findOrBuild({ variable: 'HCL2JSON_BINARY', packagePath: 'github.com/tmccombs/hcl2json' });
const folder = path.join(examples, 'terraform');
const terraform = findProgram('tofu') ?? findProgram('terraform');
/** As the parser gives it. */
const expression = (text: string) => `\${${text}}`;
// biome-ignore lint/suspicious/noExplicitAny: as deep as the language
type Hcl = any;

function parse(t: TestContext, file: string): Hcl {
  if (!parser.ok) return notRun(t, parser.reason);
  const { status, stdout, stderr } = run([parser.path, path.join(folder, file)]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('the module puts the layer of its architecture on each function, and the settings of Loki', (t) => {
  const module = parse(t, 'module/main.tf');
  if (module === undefined) return;
  const [lambda] = module.resource.aws_lambda_function.this;
  assert.equal(lambda.for_each, expression('var.functions'));
  assert.deepEqual(lambda.layers, [expression('var.layer_arns[each.value.architecture]')]);
  assert.deepEqual(lambda.architectures, [expression('each.value.architecture')]);
  assert.match(lambda.environment[0].variables, /merge\(var\.loki_settings, .*LOKI_PUSH_ENDPOINT = var\.loki_endpoint/);
});

test('every variable that the module uses is declared, and every one that it needs is given', (t) => {
  const [main, module, variables] = ['main.tf', 'module/main.tf', 'module/variables.tf'].map((file) => parse(t, file));
  if (main === undefined || module === undefined || variables === undefined) return;
  const declared = Object.keys(variables.variable);
  const used = [...JSON.stringify(module).matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name);
  assert.deepEqual(
    used.filter((name) => !declared.includes(name ?? '')),
    [],
  );
  const [call] = main.module.functions;
  const needed = declared.filter((name) => variables.variable[name][0].default === undefined);
  assert.deepEqual(
    needed.filter((name) => call[name] === undefined),
    [],
  );
  assert.deepEqual(
    Object.keys(call).filter((name) => name !== 'source' && !declared.includes(name)),
    [],
  );
  assert.equal(variables.variable.loki_settings[0].sensitive, true);
});

test("the files are in the language's own form", (t) => {
  if (terraform === undefined) return notRun(t, 'there is neither tofu nor terraform');
  const { status, stdout } = run([terraform, 'fmt', '-check', '-diff', '-recursive', folder]);
  assert.equal(status, 0, stdout);
});

test('terraform validates the recipe', (t) => {
  if (terraform === undefined) return notRun(t, 'there is neither tofu nor terraform');
  const copy = scratch(t);
  cpSync(folder, copy, { recursive: true });
  const ready = run([terraform, 'init', '-backend=false', '-input=false', '-no-color'], { cwd: copy });
  if (ready.status !== 0) return notRun(t, 'the AWS provider cannot be had here');
  const { status, stdout, stderr } = run([terraform, 'validate', '-no-color'], { cwd: copy });
  assert.equal(status, 0, stdout + stderr);
});

test('no file of the recipe is overlooked', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tf'));
  assert.deepEqual(files.sort(), ['main.tf', 'module/main.tf', 'module/variables.tf']);
});
