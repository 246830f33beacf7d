// Turns the reason why a referenced secret is missing into a diagnosis. It contains neither a secret nor a text of the
// service, only the type of its error.

import { DIAGNOSES } from './remedies.ts';
import type { SecretSymptom, Target, Told } from './symptoms.ts';
import { tellWay } from './way.ts';

const SHOWN_KEYS = 10;

export function tellSecret({ trouble, reference, variables }: SecretSymptom, { outside }: Target): Told {
  const what = `${variables.join(', ')}: ${outside(reference) ?? 'the secret'}`;
  switch (trouble.kind) {
    case 'denied':
      if (trouble.by === undefined) {
        return ['secret_denied', `${what} may not be read: the role of the function lacks ${trouble.permission}`];
      }
      return [
        'secret_denied',
        `${what} may not be read: ${trouble.permission} is not allowed by a ${trouble.by}`,
        `allow the role ${trouble.permission} in that policy; its own is not what it fails on`,
      ];
    case 'missing':
      return [
        'secret_missing',
        `${what} does not exist`,
        /^arn:[^:]*:ssm:/.test(reference) ? 'correct the ARN: account, region, name and version' : undefined,
      ];
    case 'no_key':
      return tellNoKey(what, trouble);
    case 'not_text':
      return ['secret_not_text', `${what} is not text`];
    case 'empty':
      return ['secret_not_text', `${what} is empty`];
    case 'no_credentials':
      return ['secret_no_credentials', `${what} cannot be asked for: there are no credentials of the function's role`];
    case 'refused':
      return ['secret_refused', `${what} is refused: ${trouble.status}${codeOf(trouble.code)}`];
    case 'throttled':
      return ['secret_slow', `${what} cannot be had at the moment: the service limits how often it is asked`];
    case 'failed':
      return [
        'secret_slow',
        `${what} cannot be had at the moment: the service fails, ${trouble.status}${codeOf(trouble.code)}`,
      ];
    case 'slow':
      return ['secret_slow', `${what} is not there yet: the service has not answered`];
    case 'unreachable':
      return tellUnreachable(what, trouble, outside);
  }
}

function tellUnreachable(
  what: string,
  { url, way, isForCredentials }: Extract<SecretSymptom['trouble'], { kind: 'unreachable' }>,
  outside: Target['outside'],
): Told {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    return ['secret_unreachable', `${what} cannot be asked for: the address of the service is no URL`, ENDPOINT_URL];
  }
  const { host, hostname, port, protocol } = parsed;
  const secure = protocol === 'https:';
  const [id, sentence, remedy] = tellWay(way, {
    name: isForCredentials ? 'the endpoint of the credentials' : 'the service that holds it',
    ...{ host, hostname, port: Number(port) || (secure ? 443 : 80), path: '/', secure, isOwn: false },
    ...{ credentials: 'other', outside },
  });
  // For a proxy or a certificate the remedy is known. Otherwise it is usually the way out of the VPC.
  const isKnown = way.proxy !== undefined || /^(?:proxy|tls)_/.test(id);
  return [
    'secret_unreachable',
    `${what} cannot be had: ${sentence}`,
    isKnown ? (remedy ?? DIAGNOSES[id][1]) : undefined,
  ];
}

const ENDPOINT_URL =
  'correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER or AWS_ENDPOINT_URL_SSM: http(s)://host:port';

function tellNoKey(
  what: string,
  { key, keys }: { readonly key: string | undefined; readonly keys: readonly string[] },
): Told {
  const has = `is a JSON object with the keys ${shown(keys)}`;
  if (key === undefined) return ['secret_no_key', `${what} ${has}, and the reference names none`];
  if (keys.length === 0) {
    const remedy = 'write the ARN without a key, or store a JSON object with that key';
    return ['secret_no_key', `${what} is not a JSON object, and so has no key ${shown([key])}`, remedy];
  }
  if (!keys.includes(key)) return ['secret_no_key', `${what} ${has}, and not with ${shown([key])}`];
  const remedy = 'store a text under that key, or name another one behind the ARN';
  return ['secret_no_key', `${what} has neither a text nor a number under ${shown([key])}`, remedy];
}

function shown(keys: readonly string[]): string {
  const names = keys.slice(0, SHOWN_KEYS).map((key) => JSON.stringify(key.slice(0, 64)));
  return names.join(', ') + (keys.length > SHOWN_KEYS ? ' and others' : '');
}

function codeOf(code: string): string {
  return /^[A-Za-z]{1,80}$/.test(code) ? ` ${code}` : '';
}
