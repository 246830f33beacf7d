// What can be seen of trouble, as whoever sees it hands it over. Nothing here is fit to be shown: `detail`, `answers`
// and `error` are raw text from outside, which only `diagnosis.ts` reads.
import type { DiagnosisId } from './remedies.ts';

/** How far a connection came. */
export type Phase =
  | 'name_not_found'
  | 'name_server_silent'
  | 'no_route'
  | 'refused'
  | 'proxy'
  | 'tls'
  | 'closed'
  | 'answer';

/**
 * What a push came to: the outcomes of `loki/answer.ts` that somebody should hear of. `detail` is raw text from
 * outside.
 */
export type PushSymptom =
  | { readonly kind: 'accepted'; readonly status?: number; readonly odd?: 'status' | 'text' | undefined }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly status?: number;
      readonly detail: string;
      /** Of the clock there before ours, where it may be the reason. */
      readonly clockAheadMs?: number;
    }
  | { readonly kind: 'too_large' | 'throttled' | 'failed'; readonly status?: number; readonly detail: string }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly detail: string;
      readonly location?: string | undefined;
    }
  | { readonly kind: 'metadata_disallowed'; readonly detail: string }
  /** What was accepted is not there when it is asked for. */
  | { readonly kind: 'not_read_back'; readonly afterMs: number }
  | { readonly kind: 'unreadable'; readonly detail: string; readonly code?: string | undefined }
  | {
      readonly kind: 'unreachable' | 'unanswered';
      readonly phase: Phase;
      readonly detail: string;
      readonly code?: string | undefined;
      readonly address?: string | undefined;
      /** Host and port of the proxy that was on the way to that address. */
      readonly proxy?: string | undefined;
    }
  /** Nothing was sent, as a secret is not there; undefined: they are, and the settings with them are of no use. */
  | { readonly kind: 'unready'; readonly secret?: SecretSymptom | undefined }
  | { readonly kind: 'interrupted'; readonly last?: PushSymptom | undefined }
  /** A flush had its time, and no push was answered; `waitsFor` is what the last one waited for, if that is known. */
  | { readonly kind: 'ran_out'; readonly afterMs: number; readonly waitsFor: Pending | undefined };

/** Why there is no secret where a setting refers to one. */
export type SecretTrouble =
  /**
   * `permission` is what the function's role lacks; `by` the kind of policy that stands against it, if that is another
   * one.
   */
  | { readonly kind: 'denied'; readonly permission: string; readonly by?: string | undefined }
  /** No such secret, version or parameter. */
  | { readonly kind: 'missing' }
  /** The secret is JSON with these keys; that of the reference, if it has one, has no text. */
  | { readonly kind: 'no_key'; readonly key: string | undefined; readonly keys: readonly string[] }
  | { readonly kind: 'not_text' | 'empty' | 'no_credentials' | 'throttled' | 'slow' }
  /** `code` is the type of the error, without its text. */
  | { readonly kind: 'refused' | 'failed'; readonly status: number; readonly code: string }
  /** `isForCredentials`: it is not the service, but where the credentials for it are. */
  | {
      readonly kind: 'unreachable';
      readonly url: string;
      readonly way: OnTheWay;
      readonly isForCredentials?: boolean;
    };

export interface SecretSymptom {
  readonly trouble: SecretTrouble;
  /** The ARN as the setting has it: no secret. */
  readonly reference: string;
  /** The settings that refer to secrets. */
  readonly variables: readonly string[];
}

export type OnTheWay = Extract<PushSymptom, { kind: 'unreachable' | 'unanswered' }>;

/** What a push that is under way waits for. */
export type Pending = 'name' | 'connection' | 'proxy' | 'tls' | 'answer';

/** What was seen before or beside the pushes. `error` is whatever was thrown, `answers` raw text from outside. */
export type SandboxSymptom =
  | { readonly kind: 'setting'; readonly level: 'error' | 'warn'; readonly message: string }
  /** A variable that may be meant for us, and the setting that it may stand for. */
  | { readonly kind: 'unknown_setting'; readonly variable: string; readonly meant: string | undefined }
  | { readonly kind: 'port_taken'; readonly port: number; readonly error: unknown }
  | { readonly kind: 'no_port' | 'subscription_failed' | 'next_unanswered'; readonly error: unknown }
  | { readonly kind: 'subscription_refused'; readonly answers: string }
  | { readonly kind: 'no_delivery' }
  | { readonly kind: 'expression_slow'; readonly variable: string; readonly characters: number }
  | { readonly kind: 'internal_error'; readonly error: unknown; readonly noneSent?: boolean };

/** Where we push, and as whom; nothing of it is secret. */
export interface Target {
  /** What it is called, if it is not Loki. */
  readonly name?: string;
  /** Host, and port where it is not the scheme's own. */
  readonly host: string;
  readonly hostname: string;
  readonly port: number;
  /** Without the query. */
  readonly path: string;
  readonly secure: boolean;
  /** Whether the address is that on which the extension itself listens. */
  readonly isOwn: boolean;
  /** A client certificate is sent. */
  readonly hasCertificate?: boolean;
  readonly credentials: 'none' | 'numeric_user' | 'user' | 'other';
  /** Makes a text from outside fit to be shown; undefined if it cannot be. */
  readonly outside: (text: string) => string | undefined;
}

/** A diagnosis by its id, its sentence, and what to do if that depends on more than the id. */
export type Told = readonly [id: DiagnosisId, sentence: string, remedy?: string | undefined];
