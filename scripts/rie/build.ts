// Finds AWS's Runtime Interface Emulator: RIE_BINARY, `aws-lambda-rie` on the PATH, or a build at a pinned revision from
// the Go module proxy. It is built and run beside the project; nothing of it is part of the project.
// https://github.com/aws/aws-lambda-runtime-interface-emulator

import { findProgram } from '../build/toolchain.ts';
import { buildGoTool, type GoTool, type GoToolResult } from '../go-tool.ts';

const RIE: GoTool = {
  name: 'aws-lambda-rie',
  modulePath: 'github.com/aws/aws-lambda-runtime-interface-emulator',
  version: '4fa2157',
  packagePath: './cmd/aws-lambda-rie',
};

/** The emulator's path, or one line that says what is missing. */
export async function findRie(say: (line: string) => void): Promise<GoToolResult> {
  const path = process.env['RIE_BINARY'] || findProgram('aws-lambda-rie');
  if (path) {
    say(`aws-lambda-rie: using ${path}`);
    return { ok: true, path };
  }
  const built = await buildGoTool(RIE, say);
  if (built.ok) return built;
  return { ok: false, reason: `${built.reason}; set RIE_BINARY, put aws-lambda-rie on the PATH, or install Go` };
}
