// Every diagnosis by its id: its level, and what to do. The README's troubleshooting lists them all.

/** `error`: nothing is sent until somebody changes something. `warn`: somebody should know. */
export type DiagnosisLevel = 'info' | 'warn' | 'error';

const SETTING = 'correct this environment variable of the function';
const EXPRESSION =
  'make that expression one that is quickly done: no repetition within another, {1,64} instead of + and *, and a word first that is in every match';
const GROUPS = 'security groups and network ACLs';
const PROXY = 'where a proxy is the only way out, set LOKI_PROXY_URL';
const CERTIFICATE = 'have the certificate of that server renewed';
const AUTHORITY = 'for a private authority, set LOKI_TLS_CA';

export const DIAGNOSES = {
  // The way to Loki
  name_not_found: [
    'warn',
    `correct the host in LOKI_PUSH_ENDPOINT; a name of a private zone is known inside its VPC only; ${PROXY}`,
  ],
  name_server_silent: [
    'warn',
    "let the function's subnet reach its name server: DNS support of the VPC, port 53 in security groups and network ACLs",
  ],
  no_route: [
    'warn',
    `open a way out of the VPC: a NAT gateway or a private endpoint, and the port in ${GROUPS}; ${PROXY}`,
  ],
  connection_refused: ['warn', 'correct the port in LOKI_PUSH_ENDPOINT, or start what should listen there'],
  connection_closed: ['warn', 'look at what stands before Loki: a proxy, firewall or load balancer cuts connections'],
  no_descriptors: ['warn', "close what the function leaves open: the sandbox's file descriptors are used up"],
  tls_expired: ['error', CERTIFICATE],
  tls_not_yet_valid: ['error', 'have the certificate of that server replaced, or wait until it is valid'],
  tls_wrong_name: [
    'error',
    'use a host name in LOKI_PUSH_ENDPOINT that is in the certificate, or name the one that is in LOKI_TLS_SERVER_NAME',
  ],
  tls_self_signed: ['error', `have that server use a certificate of a known authority; ${AUTHORITY}`],
  tls_unknown_authority: ['error', `have that server send its intermediate certificates too; ${AUTHORITY}`],
  tls_client_certificate: ['error', 'set LOKI_TLS_CERT and LOKI_TLS_KEY to a certificate that this server accepts'],
  tls_not_spoken: ['error', 'write http:// in LOKI_PUSH_ENDPOINT, or the port on which TLS is spoken'],
  tls_expected: ['error', 'write https:// in LOKI_PUSH_ENDPOINT'],
  tls_no_common_version: ['error', 'let that server speak TLS 1.2 or 1.3, with ciphers of today'],
  tls_silent: ['warn', 'look at what stands before Loki: the port is open, and nobody speaks TLS behind it'],
  tls_failed: ['error', 'look at the TLS settings and the certificate of that server'],
  http2_only: ['error', 'let that gateway speak HTTP/1.1 as well'],
  not_http: ['error', 'correct the port in LOKI_PUSH_ENDPOINT: what listens there does not speak HTTP/1.1'],
  no_answer: [
    'warn',
    'look at the load of Loki and of what stands before it; LOKI_PUSH_TIMEOUT_MS is the longest that is waited',
  ],
  frozen: ['warn', 'set LOKI_FLUSH_STRATEGY=end, or find out why a push takes longer than an invocation'],
  flush_ran_out: [
    'warn',
    'find out why Loki is slow or out of reach; LOKI_FLUSH_TIMEOUT_MS is the longest that an invocation is held',
  ],
  own_listener: ['error', 'set LOKI_PUSH_ENDPOINT to Loki, which runs outside of the sandbox'],
  // What is answered
  not_loki: ['error', 'correct LOKI_PUSH_ENDPOINT: it is the URL of Loki, not of Grafana or of a sign-in page'],
  odd_answer: ['warn', 'check that LOKI_PUSH_ENDPOINT leads to Loki, which answers 204; the lines count as sent'],
  credentials_missing: ['error', 'set LOKI_USERNAME and LOKI_PASSWORD, or LOKI_BEARER_TOKEN'],
  credentials_refused: ['error', 'check user and password, or the token: wrong, expired, or of another stack'],
  user_not_numeric: ['error', 'set LOKI_USERNAME to the numeric user that Grafana Cloud shows in the details of Loki'],
  tenant_missing: ['error', 'set LOKI_TENANT_ID'],
  forbidden: [
    'error',
    'give the token the right to write logs (Grafana Cloud: the scope logs:write), or ask whoever runs the firewall',
  ],
  not_found: ['error', 'correct the path in LOKI_PUSH_ENDPOINT; without one it is /loki/api/v1/push'],
  redirected: [
    'error',
    'set LOKI_PUSH_ENDPOINT to where it leads; redirects are not followed, to keep credentials safe',
  ],
  request_refused: [
    'error',
    'check that LOKI_PUSH_ENDPOINT is the push address of Loki, and look at what stands before it',
  ],
  proxy_credentials: ['error', 'write user and password into LOKI_PROXY_URL, as http://user:password@host:port'],
  proxy_refuses: ['error', 'have whoever runs the proxy allow this host and port; LOKI_PROXY_URL=none goes without it'],
  proxy_silent: ['warn', 'look at the proxy: it takes connections and does not answer'],
  proxy_not_http: ['error', 'correct LOKI_PROXY_URL: what listens there is no HTTP proxy'],
  secret_denied: ['error', "add this permission to the function's role; docs/secrets.md has a policy for each kind"],
  secret_missing: ['error', 'correct the ARN: account, region, name with its six characters, stage and version'],
  secret_no_key: ['error', 'name one of these keys behind the ARN: arn:...:secret:name-AbCdEf:key::'],
  secret_not_text: ['error', 'store it as text, or as a JSON object of texts'],
  secret_no_credentials: [
    'error',
    'give the function a role, whose credentials Lambda sets; outside of Lambda set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN',
  ],
  secret_refused: [
    'error',
    'look up this code in the documentation of the service; docs/secrets.md has the usual ones',
  ],
  secret_unreachable: [
    'warn',
    'let the function reach the service: a NAT gateway, or a VPC endpoint of it with private DNS; see docs/secrets.md',
  ],
  secret_slow: ['warn', 'nothing, if it passes: it is asked again, and log lines are kept meanwhile'],
  throttled: ['warn', 'log less, or have the limits of this tenant raised; what is refused is sent again later'],
  loki_failed: ['warn', 'look into the log of Loki and of the gateway before it; lines are kept as far as they fit'],
  blocked: ['warn', 'ask whoever runs Loki: ingestion is switched off for this tenant'],
  too_old: ['warn', 'raise reject_old_samples_max_age in Loki, or send sooner: LOKI_FLUSH_STRATEGY=end'],
  too_new: ['warn', "compare the clocks: Loki's is behind, or the lines are stamped with times to come"],
  clock_skew: ['warn', 'set the clock of the machine that Loki runs on, or of what stands before it'],
  line_too_long: ['warn', "set LOKI_MAX_LINE_BYTES to Loki's max_line_size or less"],
  too_large: ['warn', 'raise the limit of Loki or of what stands before it, or set LOKI_MAX_LINE_BYTES lower'],
  rejected: ['warn', 'do as Loki says; where its words are not shown, they are in its own log'],
  metadata_disallowed: ['warn', 'allow it in Loki (allow_structured_metadata), or set LOKI_STRUCTURED_METADATA=false'],
  not_read_back: ['warn', 'look whether pushes and queries are of the same tenant, and at the load of Loki'],
  // Settings and sandbox
  setting_unusable: ['error', SETTING],
  setting_ignored: ['warn', SETTING],
  setting_unknown: ['warn', 'rename this environment variable, or take it away; the README lists all settings'],
  filter_slow: ['warn', EXPRESSION],
  redaction_slow: ['warn', EXPRESSION],
  port_taken: ['warn', 'nothing, as any port will do; or set LOKI_EXTENSION_PORT to one that is free'],
  no_port: ['error', 'look for what uses up the ports or file descriptors of the sandbox'],
  subscription_refused: ['error', 'set LOKI_EXTENSION_API=auto; if it is that, report the answers to us'],
  subscription_failed: ['error', 'nothing, if other sandboxes do better; else report it to us'],
  no_delivery: ['info', 'nothing: local emulators deliver no logs to extensions'],
  next_unanswered: ['error', 'nothing: it is tried again until the sandbox ends'],
  internal_error: ['error', 'report it to us: this is a flaw of the extension, and no log line is in the message'],
  lines_lost: ['warn', 'see the reasons in the README, and what went wrong last'],
} as const satisfies Readonly<Record<string, readonly [DiagnosisLevel, string]>>;

export type DiagnosisId = keyof typeof DIAGNOSES;
