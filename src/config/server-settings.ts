import * as z from 'zod'
import { configStoreSettings } from './config-store-settings.ts'
import { tlsSettings } from './tls-settings.ts'
import {
  setting,
  integer,
  integerOr,
  numberBetween,
  oneOf,
  text,
  textThat,
  type ValueKind,
} from './setting.ts'

/** Synonyms from `yesOrNo`, for settings with a third value. */
const watchWords = { 1: 'true', yes: 'true', on: 'true', 0: 'false', no: 'false', off: 'false' } as const

const onWords = { 1: 'on', yes: 'on', true: 'on', 0: 'off', no: 'off', false: 'off' } as const

const group = 'Server'

const MAX_SECONDS = 86_400

/** Limits of connections. */
const connectionSettings = z.strictObject({
  // Twice the tested 10,000. An idle connection needs 8 KB (docs/connections.md), so all of them need 0.2 GB.
  limit: setting(integer(1, 1_000_000), {
    env: 'MAX_CONNECTIONS',
    group,
    default: 20_000,
    unit: 'connections',
    description: 'Maximum open connections. Further ones are closed immediately.',
  }),
  // The default of Node.js is 16 KB. Tokens of Entra users in many groups, together with tracing headers, come near it.
  headerLimitKb: setting(integer(1, 1_024), {
    env: 'HEADER_LIMIT_KB',
    group,
    default: 32,
    unit: 'KB',
    description: 'Maximum size of request line and headers, else 431. Also for answers of a real service.',
  }),
  headersTimeoutSeconds: seconds(20, {
    env: 'HEADERS_TIMEOUT_SECONDS',
    description: 'Timeout for the headers, from the connection or the first byte.',
  }),
  // The default of Node.js. 32 MB in 300 s need 0.9 Mbit/s.
  requestTimeoutSeconds: seconds(300, {
    env: 'REQUEST_TIMEOUT_SECONDS',
    description: 'Timeout for a whole request with its body; then 408.',
  }),
  // Longer than the timeout of load balancers (60 s), so that they close idle connections first.
  idleTimeoutSeconds: seconds(75, {
    env: 'IDLE_TIMEOUT_SECONDS',
    description: 'Keep-alive timeout of an idle connection.',
  }),
  writeStallSeconds: seconds(120, {
    env: 'WRITE_STALL_SECONDS',
    description: 'Timeout for a client that does not read; then the connection is closed.',
  }),
  pipelineLimit: setting(integer(1, 1_000_000), {
    env: 'PIPELINE_LIMIT',
    group,
    default: 1_024,
    unit: 'requests',
    description: 'Maximum pipelined requests on a connection. One more closes it.',
  }),
})

/** Settings of the management API `/_twin`. */
const twinSettings = z.strictObject({
  plane: setting(oneOf(['off', 'on'], onWords), {
    env: 'TWIN_PLANE',
    group,
    default: 'off',
    description: 'Serve the management API /_twin, in which tenants create resources (docs/twin.md).',
  }),
  adminToken: setting(text(/^[\x21-\x7e]{1,1024}$/, 'visible ASCII characters without spaces'), {
    env: 'TWIN_ADMIN_TOKEN',
    group,
    unsetMeaning: '/_twin has no administrator',
    secret: true,
    description: 'Token of the administrator of /_twin, as bearer token or X-Twin-Admin-Token.',
  }),
})

/** Settings of the server process: address, limits, logs. */
export const serverSettings = {
  host: setting(text(/^\S+$/, 'a host name or an address without spaces'), {
    env: 'HOST',
    group,
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 accepts other machines.',
  }),
  pagesPrefix: setting(text(/^(?:\/[\w.~-]+)+$/, 'a path such as /sim, without a slash at the end'), {
    env: 'PAGES_PREFIX',
    group,
    unsetMeaning: 'pages only at /, /healthz, /metrics and /++/',
    description:
      'Path under which all pages are also served: /sim. Requests for /, /healthz and /metrics with the key of the simulator then get recordings (docs/recordings.md).',
  }),
  publicUrl: setting(
    textThat(
      (value) => /^https?:\/\/[^\s?#@]*[^\s?#@/]$/i.test(value) && URL.canParse(value),
      'an http or https address without a query, a password or a slash at the end',
    ),
    {
      env: 'PUBLIC_URL',
      group,
      unsetMeaning: 'the address in the Host header of a request',
      description:
        'Address of the simulator for its clients, such as https://sim.example.com: in URLs of images and of /_twin, and as the issuer of tokens (docs/access.md).',
    },
  ),
  corsOrigins: setting(originList(), {
    env: 'CORS_ORIGINS',
    group,
    unsetMeaning: 'no CORS headers, so browsers block pages of other origins',
    description: 'Origins of web pages that can call the data plane, or * for all (docs/access.md).',
  }),
  port: setting(integer(0, 65_535), {
    env: 'PORT',
    group,
    default: 8_000,
    description: 'TCP port to listen on; 0 picks a free one.',
  }),
  workers: setting(integerOr('auto', 1, 256), {
    env: 'WORKERS',
    group,
    default: 1,
    description: 'Worker processes behind the port (docs/workers.md). auto starts one per core.',
  }),
  // Audio has at most 25 MB. An image in a chat has at most 20 MB, which are 27 MB in base64.
  bodyLimitMb: setting(integer(1, 1_024), {
    env: 'BODY_LIMIT_MB',
    patch: 'body_limit_mb',
    group,
    default: 32,
    unit: 'MB',
    description: 'Maximum size of a request body.',
  }),
  bodiesLimitMb: setting(integer(1, 1_048_576), {
    env: 'BODIES_LIMIT_MB',
    patch: 'bodies_limit_mb',
    group,
    unsetMeaning: 'a quarter of the memory, half of the heap, or 1,024, whichever is smallest',
    unit: 'MB',
    description: 'Memory for open requests and answers over 64 KB, including parsed JSON; then 503.',
  }),
  tls: z.strictObject(tlsSettings),
  connections: connectionSettings,
  shutdownGraceSeconds: setting(integer(0, 3_600), {
    env: 'SHUTDOWN_GRACE_SECONDS',
    group,
    default: 30,
    unit: 's',
    description: 'Time for open requests to finish after SIGTERM or SIGINT.',
  }),
  logLevel: setting(oneOf(['debug', 'info', 'warn', 'error'], { warning: 'warn', critical: 'error' }), {
    env: 'LOG_LEVEL',
    group,
    default: 'info',
    description: 'Minimum severity. WARNING and CRITICAL are also accepted.',
  }),
  logFormat: setting(oneOf(['auto', 'text', 'json']), {
    env: 'LOG_FORMAT',
    group,
    default: 'auto',
    description:
      'Log format on standard error. auto: text on a terminal, else json. NO_COLOR turns off colours.',
  }),
  logRequests: setting(oneOf(['auto', 'true', 'false'], watchWords), {
    env: 'LOG_REQUESTS',
    group,
    default: 'auto',
    description: 'Log each request, without credentials. auto: on a terminal, if LOG_LEVEL is info or debug.',
  }),
  logRing: setting(integer(0, 100_000), {
    env: 'LOG_RING',
    group,
    default: 1_000,
    unit: 'entries',
    description: 'Log entries kept for GET /++/logs, without credentials (docs/admin.md). 0 keeps none.',
  }),
  traceRing: setting(integer(0, 10_000), {
    env: 'TRACE_RING',
    group,
    default: 200,
    unit: 'requests',
    description:
      'Sampled requests kept for GET /++/traces with bodies, stages and times, without credentials (docs/admin.md). 0 keeps none.',
  }),
  ...configStoreSettings,
  watch: setting(oneOf(['false', 'true', 'poll'], watchWords), {
    env: 'WATCH',
    group,
    default: 'false',
    description:
      'Reload changed configuration, deployment, model, fault, incident and replay files, and CONFIG_STORE. poll checks every second, for network shares.',
  }),
  twin: twinSettings,
}

/** Origins as in the header `Origin`, or `*`. */
function originList(): ValueKind<readonly string[]> {
  const what = 'origins such as https://app.example.com without a path, or *'
  const origin = z.string('one origin').refine(isOrigin, 'one origin')
  return {
    schema: z.array(origin).min(1),
    read: (list) => list.split(/[\s,]+/).filter((item) => item !== ''),
    range: `${what}, separated by commas`,
  }
}

/** Other schemes are those of desktop applications and browser extensions. */
function isOrigin(value: string): boolean {
  return value === '*' || (/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@,*]+$/i.test(value) && URL.canParse(value))
}

/** Limits of connections; times in seconds. */
export type ConnectionLimits = Readonly<z.output<typeof connectionSettings>>

/** Limits of a listener without configuration. */
export const defaultConnectionLimits: ConnectionLimits = connectionSettings.parse({})

function seconds(
  byDefault: number,
  { env, description }: { readonly env: string; readonly description: string },
) {
  return setting(numberBetween(0.1, MAX_SECONDS), {
    env,
    group,
    default: byDefault,
    unit: 's',
    description,
  })
}
