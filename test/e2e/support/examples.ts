// The examples of a page in docs/: blocks of variables, and of policies.

/** Blocks of `NAME=value` lines. */
export function examplesOf(page: string): Record<string, string>[] {
  return [...page.matchAll(/^```properties\n(.*?)^```$/gms)].map(([, block = '']) =>
    Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value])),
  );
}

export interface Policy {
  readonly Statement: readonly { readonly Effect: 'Allow'; readonly Action: string; readonly Resource: string }[];
}

export function policiesOf(page: string): Policy[] {
  return [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, block = '']) => JSON.parse(block) as Policy);
}
