// A secret that a setting refers to, and why it is not there -> what that is. Neither a secret nor a text of the
// service is in it: of that the type of the error is told.

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
      return ['secret_missing', `${what} does not exist`];
    case 'no_key':
      return ['secret_no_key', `${what} is a JSON object ${keysOf(trouble)}`];
    case 'not_text':
      return ['secret_not_text', `${what} is not text`];
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
  { url, way }: Extract<SecretSymptom['trouble'], { kind: 'unreachable' }>,
  outside: Target['outside'],
): Told {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    return ['secret_unreachable', `${what} cannot be asked for: the address of the service is no URL`, ENDPOINT_URL];
  }
  const { host, hostname, port, protocol } = parsed;
  const secure = protocol === 'https:';
  const [id, sentence, remedy] = tellWay(way, {
    name: 'the service that holds it',
    ...{ host, hostname, port: Number(port) || (secure ? 443 : 80), path: '/', secure, isOwn: false },
    ...{ credentials: 'other', outside },
  });
  // Of a proxy and of a certificate it is known what to do; of the rest it is the way out of the VPC as a rule.
  const isKnown = way.proxy !== undefined || /^(?:proxy|tls)_/.test(id);
  return [
    'secret_unreachable',
    `${what} cannot be had: ${sentence}`,
    isKnown ? (remedy ?? DIAGNOSES[id][1]) : undefined,
  ];
}

const ENDPOINT_URL =
  'correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER or AWS_ENDPOINT_URL_SSM: http(s)://host:port';

function keysOf({ key, keys }: { readonly key: string | undefined; readonly keys: readonly string[] }): string {
  const has = keys.length === 0 ? 'that is empty or cannot be read' : `with the keys ${shown(keys)}`;
  return key === undefined ? `${has}, and the reference names none` : `${has}, and not with ${shown([key])}`;
}

function shown(keys: readonly string[]): string {
  const names = keys.slice(0, SHOWN_KEYS).map((key) => JSON.stringify(key.slice(0, 64)));
  return names.join(', ') + (keys.length > SHOWN_KEYS ? ' and others' : '');
}

function codeOf(code: string): string {
  return /^[A-Za-z]{1,80}$/.test(code) ? ` ${code}` : '';
}
