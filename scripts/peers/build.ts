// Builds the other Loki extensions for Lambda from the Go module proxy, for measurements side by side.
// They are built and run outside the tree; none of their code is part of the project.
// As a program it prints `name path` for each that could be had, one line with the reason for each that could not,
// and exits 3 when any is missing.

import { buildGoTool, type GoTool, type GoToolResult } from '../go-tool.ts';

/** A rival: `name` is also the file name it must have in /opt/extensions. */
export type Peer = { readonly name: string; readonly tool: GoTool };

/** Pinned to the revisions that were read when this project was designed. */
export const peers: readonly Peer[] = [
  {
    name: 'loafoe',
    tool: {
      name: 'aws-lambda-loki-extension-go',
      modulePath: 'github.com/loafoe/aws-lambda-loki-extension',
      version: '83afc42',
      packagePath: '.',
    },
  },
  {
    name: 'lambdawatch',
    tool: {
      name: 'lambdawatch',
      // The path in its go.mod; the repository itself is spelt mumzworld-tech/LambdaWatch.
      modulePath: 'github.com/mumzworld-tech/lambdawatch',
      version: '0b88020',
      packagePath: './cmd/extension',
    },
  },
];

/** Builds one, or says why not. */
export function buildPeer(peer: Peer, say: (line: string) => void): Promise<GoToolResult> {
  return buildGoTool(peer.tool, say);
}

if (import.meta.main) {
  for (const peer of peers) {
    const built = await buildPeer(peer, (line) => console.error(line));
    if (built.ok) console.log(`${peer.name} ${built.path}`);
    else {
      console.error(built.reason);
      process.exitCode = 3;
    }
  }
}
