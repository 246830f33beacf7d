// Symptoms of trouble, as the code that notices them passes them on. Nothing here may be shown: `detail`, `answers` and
// `error` are raw text from outside, which only `diagnosis.ts` reads.
import type { DiagnosisId } from './remedies.ts';

/** How far a connection got. */
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
 * The outcomes of a push (`loki/answer.ts`) that somebody should know about. `detail` is raw text from outside.
 */
export type PushSymptom =
  | { readonly kind: 'accepted'; readonly status?: number; readonly odd?: 'status' | 'text' | undefined }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly status?: number;
      readonly detail: string;
      /** How far Loki's clock is ahead of ours, if that may be the reason. */
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
  /** A line was accepted, but a query does not find it. */
  | { readonly kind: 'not_read_back'; readonly afterMs: number }
  | { readonly kind: 'unreadable'; readonly detail: string; readonly code?: string | undefined }
  | {
      readonly kind: 'unreachable' | 'unanswered';
      readonly phase: Phase;
      readonly detail: string;
      readonly code?: string | undefined;
      readonly address?: string | undefined;
      /** Host and port of the proxy, if there is one on the way. */
      readonly proxy?: string | undefined;
    }
  /**
   * Nothing was sent because a secret is missing. Undefined: all are there, but the settings made from them are invalid.
   */
  | { readonly kind: 'unready'; readonly secret?: SecretSymptom | undefined }
  | { readonly kind: 'interrupted'; readonly last?: PushSymptom | undefined }
  /** A flush ran out of time without an answered push. `waitsFor`: what the last push waited for, if known. */
  | { readonly kind: 'ran_out'; readonly afterMs: number; readonly waitsFor: Pending | undefined };

/** Why a referenced secret is missing. */
export type SecretTrouble =
  /**
   * `permission`: what the function's role lacks. `by`: the kind of policy that denies it, if it is not the role's own.
   */
  | { readonly kind: 'denied'; readonly permission: string; readonly by?: string | undefined }
  /** There is no such secret, version or parameter. */
  | { readonly kind: 'missing' }
  /** The secret is JSON with these keys. The key in the reference, if it names one, has no text. */
  | { readonly kind: 'no_key'; readonly key: string | undefined; readonly keys: readonly string[] }
  | { readonly kind: 'not_text' | 'empty' | 'no_credentials' | 'throttled' | 'slow' }
  /** `code`: the type of the error, without its text. */
  | { readonly kind: 'refused' | 'failed'; readonly status: number; readonly code: string }
  /** `isForCredentials`: not the service was unreachable, but the endpoint for its credentials. */
  | {
      readonly kind: 'unreachable';
      readonly url: string;
      readonly way: OnTheWay;
      readonly isForCredentials?: boolean;
    };

export interface SecretSymptom {
  readonly trouble: SecretTrouble;
  /** The ARN as written in the setting; not secret. */
  readonly reference: string;
  /** The settings that refer to it. */
  readonly variables: readonly string[];
}

export type OnTheWay = Extract<PushSymptom, { kind: 'unreachable' | 'unanswered' }>;

/** What a pending push waits for. */
export type Pending = 'name' | 'connection' | 'proxy' | 'tls' | 'answer';

/** Symptoms that do not come from a push. `error` is whatever was thrown, `answers` is raw text from outside. */
export type SandboxSymptom =
  | { readonly kind: 'setting'; readonly level: 'error' | 'warn'; readonly message: string }
  /** A variable that is probably meant for us, and the setting that is probably meant. */
  | { readonly kind: 'unknown_setting'; readonly variable: string; readonly meant: string | undefined }
  | { readonly kind: 'port_taken'; readonly port: number; readonly error: unknown }
  | { readonly kind: 'no_port' | 'subscription_failed' | 'next_unanswered'; readonly error: unknown }
  | { readonly kind: 'subscription_refused'; readonly answers: string }
  | { readonly kind: 'no_delivery' }
  | { readonly kind: 'expression_slow'; readonly variable: string; readonly characters: number }
  | { readonly kind: 'internal_error'; readonly error: unknown; readonly noneSent?: boolean };

/** Where we push, and as whom. Nothing in it is secret. */
export interface Target {
  /** Its name, if it is not Loki. */
  readonly name?: string;
  /** Host, and the port unless it is the scheme's default. */
  readonly host: string;
  readonly hostname: string;
  readonly port: number;
  /** The path, without the query. */
  readonly path: string;
  readonly secure: boolean;
  /** Whether the extension itself listens at this address. */
  readonly isOwn: boolean;
  /** Whether a client certificate is sent. */
  readonly hasCertificate?: boolean;
  readonly credentials: 'none' | 'numeric_user' | 'user' | 'other';
  /** Makes a text from outside safe to show; undefined if that is impossible. */
  readonly outside: (text: string) => string | undefined;
}

/** A diagnosis: its id, its sentence, and a remedy if the usual one for the id does not fit. */
export type Told = readonly [id: DiagnosisId, sentence: string, remedy?: string | undefined];
