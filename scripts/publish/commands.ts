// The commands of the AWS CLI that publish a version of the layer and that let others use it.

import path from 'node:path';
import { root } from '../build/toolchain.ts';
import type { PublishRequest } from './request.ts';

/** Those that run on Amazon Linux 2023; Lambda takes at most 15. Amazon Linux 2 has no glibc 2.28, which the executable needs. */
const RUNTIMES = [
  ...['nodejs20.x', 'nodejs22.x', 'nodejs24.x'],
  ...['python3.12', 'python3.13', 'python3.14'],
  ...['java21', 'java25'],
  ...['dotnet8', 'dotnet10'],
  ...['ruby3.3', 'ruby3.4'],
  'provided.al2023',
];

/** `withCompatible`: the console then offers the layer only where it runs. */
export function publishCommand(
  region: string,
  description: string,
  { layerName, layerFile, arch }: PublishRequest,
  { withCompatible } = { withCompatible: true },
): string[] {
  return [
    ...['lambda', 'publish-layer-version', '--region', region, '--layer-name', layerName],
    ...['--description', description, '--license-info', 'Apache-2.0'],
    ...(withCompatible ? ['--compatible-architectures', arch, '--compatible-runtimes', ...RUNTIMES] : []),
    ...['--zip-file', `fileb://${path.relative(root, layerFile)}`, '--output', 'json'],
  ];
}

/** Undefined when nobody else is to use it. */
export function permissionCommand(
  region: string,
  version: string,
  { layerName, audience }: PublishRequest,
): string[] | undefined {
  if (audience.kind === 'account') return;
  return [
    ...['lambda', 'add-layer-version-permission', '--region', region, '--layer-name', layerName],
    ...['--version-number', version, '--statement-id', audience.kind, '--action', 'lambda:GetLayerVersion'],
    ...['--principal', '*', ...(audience.kind === 'organization' ? ['--organization-id', audience.id] : [])],
    ...['--output', 'json'],
  ];
}
