// examples/container and the project's own Dockerfile, built by buildah over stand-ins for the images that no registry gives here.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findProgram, hostArchitecture, root } from '../../scripts/build/toolchain.ts';
import { examples, notRun, run, scratch } from './tools.ts';

const LOCAL = 'localhost/aws-lambda-loki-extension-test';

test('the image of the recipe has the extension where Lambda looks for it, and the function', (t) => {
  const buildah = findProgram('buildah');
  if (buildah === undefined || process.getuid?.() !== 0) return notRun(t, 'there is no buildah, or no root to run it');
  if (!existsSync(path.join(root, 'bin', hostArchitecture))) return notRun(t, 'make zip makes what the image holds');
  const folder = scratch(t);
  const storage = ['--root', path.join(folder, 'storage'), '--runroot', path.join(folder, 'run')];
  const build = [buildah, ...storage, '--storage-driver', 'vfs', 'build', '--isolation', 'chroot', '--quiet'];

  // The carrier, without the stage that builds: it is not asked for.
  const carrier = [...build, '--target', 'carrier', '--build-arg', `ARCH=${hostArchitecture}`, '--tag', LOCAL, '.'];
  const made = run(carrier, { cwd: root });
  assert.equal(made.status, 0, made.stderr);

  mkdirSync(path.join(folder, 'base'));
  writeFileSync(path.join(folder, 'base/Dockerfile'), 'FROM scratch\nENV LAMBDA_TASK_ROOT=/var/task\n');
  const base = run([...build, '--tag', `${LOCAL}-base`, path.join(folder, 'base')]);
  assert.equal(base.status, 0, base.stderr);

  cpSync(path.join(examples, 'container'), path.join(folder, 'recipe'), { recursive: true });
  const contexts = [
    ['public.ecr.aws/lambda/nodejs:22', `${LOCAL}-base`],
    ['aws-lambda-loki-extension', LOCAL],
  ].flatMap(([name, image]) => ['--build-context', `${name}=container-image://${image}`]);
  const output = ['--output', `type=local,dest=${path.join(folder, 'out')}`];
  const { status, stderr } = run([...build, ...contexts, ...output, path.join(folder, 'recipe')]);
  assert.equal(status, 0, stderr);
  for (const file of ['opt/extensions/aws-lambda-loki-extension', 'var/task/index.mjs']) {
    assert.ok(existsSync(path.join(folder, 'out', file)), file);
  }
});
