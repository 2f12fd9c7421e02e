import { z } from 'zod'
import { setting } from './setting.ts'
import { integer, integerOr, numberBetween, oneOf, text } from './value-kind.ts'

/** The words of `yesOrNo`, beside which a third one stands here. */
const watchWords = { 1: 'true', yes: 'true', on: 'true', 0: 'false', no: 'false', off: 'false' } as const

const group = 'Server'

const MAX_SECONDS = 86_400

/** Settings of what a single connection, and all of them together, may take. */
const connectionSettings = z.strictObject({
  // Twice the 10,000 that are tested. An idle one costs 8 KB (docs/connections.md), so all of them cost 0.2 GB.
  limit: setting(integer(1, 1_000_000), {
    env: 'MAX_CONNECTIONS',
    group,
    default: 20_000,
    unit: 'connections',
    description: 'Most connections that are open at once; a further one is closed as soon as it opens.',
  }),
  // Node's own is 16 KB, which tokens of Entra users in many groups, with tracing beside them, come near to.
  headerLimitKb: setting(integer(1, 1_024), {
    env: 'HEADER_LIMIT_KB',
    group,
    default: 32,
    unit: 'KB',
    description:
      'Most that the request line and the headers of a request may have together; more gets 431. The headers of answers in record mode have the same limit.',
  }),
  headersTimeoutSeconds: seconds(20, {
    env: 'HEADERS_TIMEOUT_SECONDS',
    description:
      'Longest time from the first byte of a request, or from the opening of a connection, to the end of the headers.',
  }),
  // Node's own. 32 MB in 300 s are 0.9 Mbit/s.
  requestTimeoutSeconds: seconds(300, {
    env: 'REQUEST_TIMEOUT_SECONDS',
    description: 'Longest time in which a request arrives with its whole body; a later one gets 408.',
  }),
  // Longer than load balancers keep theirs (60 s), so that they are the ones to close it.
  idleTimeoutSeconds: seconds(75, {
    env: 'IDLE_TIMEOUT_SECONDS',
    description: 'How long a connection is kept open after an answer for the next request.',
  }),
  writeStallSeconds: seconds(120, {
    env: 'WRITE_STALL_SECONDS',
    description:
      'How long a client may take nothing of an answer that waits for it, before its connection is cut.',
  }),
  pipelineLimit: setting(integer(1, 1_000_000), {
    env: 'PIPELINE_LIMIT',
    group,
    default: 1_024,
    unit: 'requests',
    description:
      'Most requests that a connection may have sent ahead while an answer before theirs is not complete; one more cuts it.',
  }),
})

/** Settings of the process that serves: where it listens, what it bounds, what it tells. */
export const serverSettings = {
  host: setting(text(/^\S+$/, 'a host name or an address without spaces'), {
    env: 'HOST',
    group,
    default: '127.0.0.1',
    description: 'Address to listen on; 0.0.0.0 accepts connections from other machines.',
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
    unit: 'processes',
    description:
      'How many processes answer requests behind the one port, as one service (docs/workers.md); auto: one for each core.',
  }),
  // Audio uploads end at 25 MB. A picture in a chat may have 20 MB, which base64 makes 27: room for three of them.
  bodyLimitMb: setting(integer(1, 1_024), {
    env: 'BODY_LIMIT_MB',
    patch: 'body_limit_mb',
    group,
    default: 32,
    unit: 'MB',
    description:
      'Largest request body that is read: room for 25 MB of audio, or for a picture of 20 MB in base64, the largest that the service takes.',
  }),
  bodiesLimitMb: setting(integer(1, 1_048_576), {
    env: 'BODIES_LIMIT_MB',
    patch: 'bodies_limit_mb',
    group,
    unsetMeaning:
      'a quarter of the memory of the machine or container, half of the heap, and 1,024 at most; a worker has its share',
    unit: 'MB',
    description:
      'Most memory for all open requests and answers that are larger than 64 KB, JSON as it is once parsed; one that finds no room gets 503.',
  }),
  connections: connectionSettings,
  shutdownGraceSeconds: setting(integer(0, 3_600), {
    env: 'SHUTDOWN_GRACE_SECONDS',
    group,
    default: 30,
    unit: 's',
    description: 'How long open requests may go on after SIGTERM or SIGINT.',
  }),
  logLevel: setting(oneOf(['debug', 'info', 'warn', 'error'], { warning: 'warn', critical: 'error' }), {
    env: 'LOG_LEVEL',
    group,
    default: 'info',
    description: 'Least severity that is logged; the names WARNING and CRITICAL are understood too.',
  }),
  logFormat: setting(oneOf(['auto', 'text', 'json']), {
    env: 'LOG_FORMAT',
    group,
    default: 'auto',
    description:
      'How the log looks on standard error: text for people, json for programs; auto is text on a terminal and json elsewhere. NO_COLOR takes the colours away.',
  }),
  logRequests: setting(oneOf(['auto', 'true', 'false'], watchWords), {
    env: 'LOG_REQUESTS',
    group,
    default: 'auto',
    description:
      'Whether each request has a line in the log, without what would let somebody in; auto: on a terminal, from LOG_LEVEL info down.',
  }),
  watch: setting(oneOf(['false', 'true', 'poll'], watchWords), {
    env: 'WATCH',
    group,
    default: 'false',
    description:
      'Whether the files of deployments, models, faults and incidents, and recordings in replay mode, are read again when they change; poll looks at them each second, for network shares that send no notice.',
  }),
}

/** What connections may take; times in seconds. */
export type ConnectionLimits = Readonly<z.output<typeof connectionSettings>>

/** Those of a listener that nobody configured. */
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
