// Turns a symptom into a diagnosis: what it is, in an operator's words, and what to do. The running extension and
// `check` both use it. Pure, and late code: boot hands over its symptoms as they are. No sentence repeats a text from
// outside: of an answer it gives the words that `loki-words.ts` knows, of a web page the title, of a Node error the
// code.

import { isHtml, lokiWords, titleOf } from './loki-words.ts';
import { DIAGNOSES, type DiagnosisId, type DiagnosisLevel } from './remedies.ts';
import { tellSecret } from './secret.ts';
import type { PushSymptom, SandboxSymptom, Target, Told } from './symptoms.ts';
import { codeOf, tellPending, tellUnreadable, tellWay } from './way.ts';

export interface Diagnosis {
  readonly id: DiagnosisId;
  readonly level: DiagnosisLevel;
  /** What is wrong. */
  readonly sentence: string;
  /** What to do about it. */
  readonly remedy: string;
}

const SHOWN_CHARACTERS = 80;

/** Undefined if there is nothing to report. */
export function diagnosePush(symptom: PushSymptom, target: Target): Diagnosis | undefined {
  const told = tellPush(symptom, target);
  if (told && target.isOwn) return complete(tellOwn(told, target));
  return told && complete(told);
}

export function diagnoseSandbox(symptom: SandboxSymptom): Diagnosis {
  return complete(tellSandbox(symptom));
}

function complete([id, sentence, remedy]: Told): Diagnosis {
  return { id, level: DIAGNOSES[id][0], sentence, remedy: remedy ?? DIAGNOSES[id][1] };
}

/** Whatever the outcome: an endpoint where only the extension itself listens is never Loki. */
function tellOwn([, sentence]: Told, { host }: Target): Told {
  return ['own_listener', `LOKI_PUSH_ENDPOINT leads to the extension itself, which listens at ${host}: ${sentence}`];
}

function tellPush(symptom: PushSymptom, target: Target): Told | undefined {
  switch (symptom.kind) {
    case 'accepted':
      return symptom.odd && ['odd_answer', `a push was answered with ${oddity(symptom.odd, symptom.status)}`];
    case 'rejected':
      return tellRejected(symptom.reason, symptom, target);
    case 'too_large':
      return ['too_large', `a single log line is too large for Loki: ${answerOf(symptom, target)}`];
    case 'throttled':
      return ['throttled', `Loki limits the rate of our pushes: ${answerOf(symptom, target)}`];
    case 'failed':
      // No answer has the status 0: it marks a fault of ours.
      if (symptom.status === 0)
        return ['internal_error', `internal error in a push, it is tried again${placesOf(symptom.detail)}`];
      return ['loki_failed', `Loki does not take our pushes at the moment: ${answerOf(symptom, target)}`];
    case 'refused':
      return tellRefused(symptom, target);
    case 'metadata_disallowed':
      return ['metadata_disallowed', 'Loki takes no structured metadata: none is sent from now on'];
    case 'not_read_back':
      return [
        'not_read_back',
        `a line was accepted, and ${Math.round(symptom.afterMs / 1_000)} s later no query finds it`,
      ];
    case 'unreadable':
      return tellUnreadable(symptom, target);
    case 'unreachable':
    case 'unanswered':
      return tellWay(symptom, target);
    case 'ran_out':
      return tellPending(symptom, target);
    case 'unready':
      if (symptom.secret) return tellSecret(symptom.secret, target);
      return ['setting_unusable', 'what the settings refer to is there, and of no use: no logs are sent'];
    case 'interrupted': {
      const last = symptom.last && tellPush(symptom.last, target);
      if (last) return [last[0], `${last[1]}; freezes of the sandbox came between`, last[2]];
      return ['frozen', `the sandbox was frozen before Loki answered, again and again (${target.host})`];
    }
  }
}

type Answered = {
  readonly status?: number | undefined;
  readonly detail: string;
  readonly clockAheadMs?: number | undefined;
};

function tellRejected(reason: string, answer: Answered, target: Target): Told {
  const said = answerOf(answer, target);
  const apart = clocksApart(answer.clockAheadMs);
  if (apart !== undefined) return ['clock_skew', `Loki's clock is ${apart} ours: ${said}`];
  switch (reason) {
    case 'blocked':
      return ['blocked', `Loki throws away what this tenant sends: ${said}`];
    case 'too_old':
      return ['too_old', `Loki refused log lines as too old: ${said}`];
    case 'line_too_long':
      return ['line_too_long', `Loki refused log lines as too long: ${said}`];
    default:
      if (/too new|too_far_in_future/i.test(answer.detail))
        return ['too_new', `Loki refused log lines as too new: ${said}`];
      return ['rejected', `Loki refused log lines: ${said}`];
  }
}

/** An answer takes seconds at most. A larger difference comes from the clocks. */
const SAME_TIME_MS = 60_000;

/** Such as `3 h ahead of`; undefined if the clocks agree. */
function clocksApart(aheadMs = 0): string | undefined {
  const seconds = Math.abs(aheadMs) / 1_000;
  if (seconds * 1_000 < SAME_TIME_MS) return undefined;
  const [unit, size] = seconds < 7_200 ? ['min', 60] : seconds < 172_800 ? ['h', 3_600] : ['days', 86_400];
  return `${Math.round(seconds / Number(size))} ${unit} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
}

function tellRefused(symptom: Extract<PushSymptom, { kind: 'refused' }>, target: Target): Told {
  const { status, detail } = symptom;
  const said = answerOf(symptom, target);
  const grafana = grafanaRemedy(target);
  if (status >= 200 && status < 300)
    return ['not_loki', `what answers at ${target.host} is not Loki: ${said}`, grafana];
  if (status >= 300 && status < 400) return tellRedirect(symptom, target);
  switch (status) {
    case 401:
      return tellUnauthorized(detail, said, target);
    case 403:
      return ['forbidden', `Loki, or what stands before it, forbids our pushes: ${said}`];
    case 404:
    case 410:
      return ['not_found', `there is no push address at ${target.host}${target.path}: ${said}`, grafana];
    case 405:
      return ['request_refused', `pushes are not taken at ${target.host}${target.path}: ${said}`, grafana];
    case 407:
      return ['proxy_credentials', `a proxy before Loki wants credentials: ${said}`];
    default:
      return ['request_refused', `${target.host} refuses our pushes: ${said}`];
  }
}

function tellUnauthorized(detail: string, said: string, { credentials, hostname }: Target): Told {
  if (/\bno org id\b/i.test(detail)) return ['tenant_missing', `Loki wants to know the tenant: ${said}`];
  if (credentials === 'none') return ['credentials_missing', `Loki wants credentials, and none are set: ${said}`];
  if (credentials === 'user' && /(?:^|\.)grafana\.net$/i.test(hostname)) {
    return ['user_not_numeric', `Grafana Cloud refuses the user, which is not a number: ${said}`];
  }
  return ['credentials_refused', `Loki refuses the credentials: ${said}`];
}

function tellRedirect({ status, location }: Extract<PushSymptom, { kind: 'refused' }>, target: Target): Told {
  const place = placeOf(location, target);
  if (place === undefined)
    return ['redirected', `${target.host} redirects our pushes (${status})`, grafanaRemedy(target)];
  const onlyTls = !target.secure && place.startsWith(`https://${target.hostname}`);
  const signIn = /\/(?:login|signin|sign-in|auth|oauth2?|sso)\b/i.test(place);
  const remedy = onlyTls ? DIAGNOSES.tls_expected[1] : signIn ? DIAGNOSES.not_loki[1] : undefined;
  return ['redirected', `${target.host} redirects our pushes to ${place} (${status})`, grafanaRemedy(target) ?? remedy];
}

/** The target of a redirect, without user info, query and fragment, and not too long. */
function placeOf(location: string | undefined, { secure, host, outside }: Target): string | undefined {
  const url = location === undefined ? null : URL.parse(location, `${secure ? 'https:' : 'http:'}//${host}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  // A long or encoded path may repeat something that we sent.
  const path = /^[\w./~-]{1,80}$/.test(url.pathname) ? url.pathname : '/...';
  return outside(url.origin + path);
}

/** A Grafana Cloud stack has one address for people and one for Loki, and the first is easier to find. */
function grafanaRemedy({ hostname }: Target): string | undefined {
  if (!/\.grafana\.net$/i.test(hostname) || /^logs-/i.test(hostname)) return undefined;
  return 'this is the address of Grafana: set LOKI_PUSH_ENDPOINT to that of Loki, https://logs-....grafana.net, from its details';
}

/** The status, and what may be said of the text: Loki's known words, or the title of a web page. */
function answerOf({ status, detail }: Answered, { outside }: Target): string {
  const [, shown = '', text = ''] = /^(\d{3}\b)? ?(.*)$/s.exec(detail) ?? [];
  const start = status === undefined ? shown || 'an answer' : String(status);
  if (text.trim() === '') return start;
  const said = isHtml(text) ? pageOf(text, outside) : lokiWords(text);
  const fit = said === undefined ? undefined : outside(said);
  return fit === undefined ? `${start}, with a text of its own` : `${start}, ${fit}`;
}

function pageOf(text: string, outside: Target['outside']): string {
  const title = outside(titleOf(text) ?? '');
  if (!title) return 'a web page';
  return `a web page, ${JSON.stringify(title.length > SHOWN_CHARACTERS ? `${title.slice(0, SHOWN_CHARACTERS)}...` : title)}`;
}

function oddity(odd: 'status' | 'text', status: number | undefined): string {
  return odd === 'status' ? `${status ?? 'a status'} where Loki answers 204` : 'a text where Loki answers with none';
}

function tellSandbox(symptom: SandboxSymptom): Told {
  switch (symptom.kind) {
    case 'setting':
      return [symptom.level === 'error' ? 'setting_unusable' : 'setting_ignored', symptom.message];
    case 'unknown_setting':
      return ['setting_unknown', unknownSetting(symptom)];
    case 'port_taken':
      return ['port_taken', `port ${symptom.port} cannot be bound, another one is used${errorOf(symptom.error)}`];
    case 'no_port':
      return ['no_port', `no port can be bound, no logs are sent${errorOf(symptom.error)}`];
    case 'subscription_refused':
      return [
        'subscription_refused',
        `the platform refused the subscription, no logs are sent: ${answersOf(symptom.answers)}`,
      ];
    case 'subscription_failed':
      return ['subscription_failed', `the subscription failed, no logs are sent${errorOf(symptom.error)}`];
    case 'no_delivery':
      return ['no_delivery', 'this environment delivers no logs to extensions'];
    case 'expression_slow':
      return tellSlow(symptom.variable, symptom.characters);
    case 'next_unanswered':
      return ['next_unanswered', `the Extensions API does not answer, trying again${errorOf(symptom.error)}`];
    case 'internal_error':
      return [
        'internal_error',
        `internal error, ${symptom.noneSent ? 'no logs are sent' : 'the function goes on'}${bugOf(symptom.error)}`,
      ];
  }
}

function unknownSetting({ variable, meant }: Extract<SandboxSymptom, { kind: 'unknown_setting' }>): string {
  const rest = meant === undefined ? '' : `; ${meant} is probably meant`;
  return `${variable} is not a setting of this extension${rest}`;
}

/** An expression that took too long on one line would take too long on similar ones. */
function tellSlow(variable: string, characters: number): Told {
  const what = `${variable} took too long on a line of ${characters} characters`;
  const half = Math.ceil(characters / 2);
  return variable === 'LOKI_REDACT_REGEX'
    ? ['redaction_slow', `${what}: its text is not sent, nor for a while that of lines of ${half} and more`]
    : ['filter_slow', `${what}: it is sent, and so are for a while those of ${half} and more, whatever they hold`];
}

/** Such as `telemetry 2025-01-29: 400 ValidationError`: the status and the type of the error, without its text. */
function answersOf(answers: string): string {
  const kinds = [
    ...answers.matchAll(/(?:^|; )((?:logs|telemetry) [\d-]+: \d+)(?:.*?"errorType" ?: ?"([\w.]{1,60})")?/g),
  ];
  return kinds.map(([, status, kind]) => [status, kind].filter(Boolean).join(' ')).join('; ') || 'no answer';
}

function errorOf(error: unknown): string {
  const code = codeOf((error as { code?: unknown } | undefined)?.code);
  return code === undefined ? '' : ` (${code})`;
}

function bugOf(error: unknown): string {
  return error instanceof Error ? placesOf(error.stack ?? error.name) : '';
}

/** The kind of error and where it was thrown. Its message is left out, as it may quote input: JSON.parse does. */
function placesOf(stack: string): string {
  const [name = 'Error'] = /^[A-Z]\w{0,40}Error\b|^Error\b/.exec(stack) ?? [];
  const frames = [...stack.matchAll(/^ +at (?:[\w$.<> ]+ \()?([^()\n]+:\d+:\d+)\)?$/gm)].slice(0, 3);
  return `: ${[name, ...frames.map(([, place = '']) => place.slice(place.lastIndexOf('/') + 1))].join(' at ')}`;
}
