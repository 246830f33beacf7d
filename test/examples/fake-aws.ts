// An `aws` for the recipes' scripts: functions as files, and what is changed is written back to them.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withProgram } from './tools.ts';

export interface LambdaFunction {
  readonly FunctionName: string;
  readonly Runtime?: string;
  readonly PackageType?: string;
  readonly Architectures?: readonly string[];
  readonly Layers?: readonly { readonly Arn: string }[];
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
}

/** Knows what the scripts ask; a function called `broken` fails. Arguments and the account in force are written down. */
const PROGRAM = `#!/usr/bin/env bash
echo "\${AWS_ACCESS_KEY_ID:-own}@\${AWS_REGION:-} $*" >> "$FAKE_AWS/calls"
name() { while [ $# -gt 0 ]; do [ "$1" = --function-name ] && echo "$2"; shift; done; }
case "$1 $2" in
  'sts get-caller-identity') echo 111111111111 ;;
  'sts assume-role')
    case "$*" in *:333333333333:*) echo 'AccessDenied' >&2; exit 254 ;; esac
    printf 'key-of-%s\\tsecret\\ttoken\\n' "$(grep -oE '[0-9]{12}' <<<"$*" | head -n 1)" ;;
  'organizations list-accounts') printf '111111111111\\t222222222222\\t333333333333\\n' ;;
  'lambda get-layer-version-by-arn') grep -oE 'x86_64|arm64' <<<"$*" | head -n 1 ;;
  'lambda list-functions') (cd "$FAKE_AWS/functions" && ls | sed 's/.json$//' | tr '\\n' '\\t') ;;
  'lambda get-function-configuration')
    [ "$(name "$@")" = broken ] && { echo 'ServiceException' >&2; exit 254; }
    cat "$FAKE_AWS/functions/$(name "$@").json" ;;
  'lambda update-function-configuration')
    request=$(cat)
    printf '%s' "$request" > "$FAKE_AWS/functions/$(jq -r .FunctionName <<<"$request").json.new" ;;
  'lambda wait') mv "$FAKE_AWS/functions/$5.json.new" "$FAKE_AWS/changed-$5.json" ;;
  *) echo "unknown: $*" >&2; exit 252 ;;
esac
`;

export interface FakeAws {
  readonly env: NodeJS.ProcessEnv;
  calls(): string[];
  /** What a function was changed to. */
  changed(name: string): { Layers: string[]; Environment: { Variables: Record<string, string> } } | undefined;
}

export function fakeAws(folder: string, functions: readonly LambdaFunction[]): FakeAws {
  mkdirSync(path.join(folder, 'functions'));
  writeFileSync(path.join(folder, 'calls'), '');
  for (const one of functions) {
    const full = { PackageType: 'Zip', Architectures: ['x86_64'], ...one };
    writeFileSync(path.join(folder, 'functions', `${one.FunctionName}.json`), JSON.stringify(full));
  }
  return {
    env: { ...withProgram(folder, 'aws', PROGRAM), FAKE_AWS: folder, AWS_REGION: '', AWS_ACCESS_KEY_ID: '' },
    calls: () => readFileSync(path.join(folder, 'calls'), 'utf8').split('\n').filter(Boolean),
    changed: (name) => {
      try {
        return JSON.parse(readFileSync(path.join(folder, `changed-${name}.json`), 'utf8'));
      } catch {
        return;
      }
    },
  };
}
