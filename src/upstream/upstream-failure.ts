import { upstreamSettingsByName } from '../config/file-settings.ts'
import type { Upstream } from '../config/upstreams.ts'
import { gatewayError, type ServiceError } from '../wire/errors.ts'

/** Failures of an upstream before the client has received any of the answer, with their statuses. */
export const failureStatuses = {
  UpstreamCredential: 502,
  UpstreamCredentialTimeout: 504,
  UpstreamDns: 502,
  UpstreamRefused: 502,
  UpstreamUnreachable: 502,
  UpstreamProxy: 502,
  UpstreamTls: 502,
  UpstreamConnectTimeout: 504,
  UpstreamFirstByteTimeout: 504,
  UpstreamIdleTimeout: 504,
  UpstreamTotalTimeout: 504,
  UpstreamBroken: 502,
  UpstreamInvalid: 502,
  UpstreamAnswerInvalid: 502,
} as const

/** The `error.code` of a failure. */
export type UpstreamFailureCode = keyof typeof failureStatuses

/** The upstream did not answer correctly. The message is also sent to the client, so it contains no secret and no body. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly code: UpstreamFailureCode
  /** Whether a repetition is safe and can help: the upstream cannot have received the request. */
  readonly canRetry: boolean

  constructor(
    code: UpstreamFailureCode,
    message: string,
    options: { readonly canRetry?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.canRetry = options.canRetry ?? false
  }
}

/** The call was aborted because the client has disconnected. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected'
}

/** The upstream requires the credential of the client, and the client sent none. */
export class MissingCallerCredential extends Error {
  override readonly name = 'MissingCallerCredential'
}

/** The failure as an error of the service: 502, or 504 for timeouts. */
export function upstreamError({ code, message }: UpstreamFailure): ServiceError {
  return gatewayError('edge', failureStatuses[code], code, message)
}

/** 400: the path has dot segments that lead outside of the endpoint, where the request would be sent with the operator's key. */
export function pathLeavesEndpoint(): ServiceError {
  const message =
    'Could not forward the request: its path has dot segments (..) that lead out of the endpoint. Send the path without them.'
  return gatewayError('edge', 400, 'InvalidPath', message)
}

/** Names of an upstream and of its settings in messages. */
export class UpstreamLabel {
  /** `upstream 'east' (https://my-east.openai.azure.com)`. */
  readonly text: string
  readonly #name: string

  /** @param origin scheme, host and port */
  constructor(name: string, origin: string) {
    this.#name = name
    this.text = `upstream '${name}' (${origin})`
  }

  /**
   * The place of a setting: the variable of the default upstream, or the key in the table of upstreams.
   *
   * @param key such as `connect_timeout_ms`
   */
  setting(key: string): string {
    if (this.#name !== 'default') return `upstreams.${this.#name}.${key}`
    return upstreamSettingsByName.get(key)?.env ?? key
  }
}

const timeouts = {
  UpstreamConnectTimeout: {
    what: 'connect to',
    key: 'connect_timeout_ms',
    of: 'connectTimeoutMs',
    advice: 'Check the address and the network, or raise',
  },
  UpstreamFirstByteTimeout: {
    what: 'get the first byte of the answer of',
    key: 'first_byte_timeout_ms',
    of: 'firstByteTimeoutMs',
    advice: 'Request less, or raise',
  },
  UpstreamIdleTimeout: {
    what: 'get the rest of the answer of',
    key: 'idle_timeout_ms',
    of: 'idleTimeoutMs',
    advice: 'The answer paused. Request less, or raise',
  },
  UpstreamTotalTimeout: {
    what: 'get the complete answer of',
    key: 'total_timeout_ms',
    of: 'totalTimeoutMs',
    advice: 'Request less, or raise',
  },
} as const satisfies Readonly<Partial<Record<UpstreamFailureCode, object>>>

/** The code of a timeout. */
export type TimeoutCode = keyof typeof timeouts

/** The failure of a call that took too long. */
export function timeoutFailure(
  code: TimeoutCode,
  label: UpstreamLabel,
  upstream: Pick<Upstream, (typeof timeouts)[TimeoutCode]['of']>,
): UpstreamFailure {
  const { what, key, of, advice } = timeouts[code]
  const message = `Could not ${what} ${label.text} within ${upstream[of]} ms. ${advice} ${label.setting(key)}.`
  return new UpstreamFailure(code, message, { canRetry: code === 'UpstreamConnectTimeout' })
}

/** Certificates and protocols. The names are those of OpenSSL and Node.js. */
const tlsCode =
  /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|CRL_|ERROR_IN_|HOSTNAME_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH)/

/** Converts an error of the HTTP client of Node.js, before any answer, into a failure. @param sent whether the request was sent */
export function connectionFailure(
  label: UpstreamLabel,
  error: NodeJS.ErrnoException,
  sent: boolean,
): UpstreamFailure {
  const { code = '' } = error
  const fail = (
    failureCode: UpstreamFailureCode,
    why: string,
    { what = 'connect to', canRetry = !sent } = {},
  ): UpstreamFailure =>
    new UpstreamFailure(failureCode, `Could not ${what} ${label.text}: ${why}`, { canRetry, cause: error })
  const endpoint = label.setting('endpoint')
  const isNotRead = { what: 'read the answer of', canRetry: false }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const why = 'its headers are larger than HEADER_LIMIT_KB. Raise HEADER_LIMIT_KB.'
    return fail('UpstreamInvalid', why, isNotRead)
  }
  if (code.startsWith('HPE_')) {
    return fail('UpstreamInvalid', `it is not HTTP (${code}). Correct ${endpoint}.`, isNotRead)
  }
  if (tlsCode.test(code)) {
    const why = `TLS failed (${code}). Correct ${endpoint}, or set NODE_EXTRA_CA_CERTS to the certificate of its issuer.`
    return fail('UpstreamTls', why, { canRetry: false })
  }
  switch (code) {
    case 'ENOTFOUND':
      return fail('UpstreamDns', `its host name does not exist. Correct ${endpoint}, or the DNS settings.`)
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return fail('UpstreamDns', `its host name could not be resolved (${code}). Check the DNS settings.`)
    case 'ECONNREFUSED':
      return fail('UpstreamRefused', `nothing listens there. Start it, or correct ${endpoint}.`)
    case 'ECONNRESET':
    case 'EPIPE': {
      const when = sent ? 'before it answered' : 'before the request was sent'
      return fail(
        'UpstreamBroken',
        `it closed the connection ${when} (${code}). Try again, or check its log.`,
        {
          what: sent ? 'get an answer of' : 'connect to',
        },
      )
    }
    default: {
      const why = `the network has no way to it (${code || error.message}). Check the network, its firewalls, and ${endpoint}.`
      return sent
        ? fail('UpstreamBroken', `the connection failed (${code || error.message}). Try again.`, {
            what: 'get an answer of',
          })
        : fail('UpstreamUnreachable', why)
    }
  }
}

/** What to do when an upstream rejects the credential. */
export function credentialAdvice({ credential }: Upstream, label: UpstreamLabel): string {
  if (credential.kind === 'caller') return 'It is that of the client: check its key or role.'
  if (credential.kind === 'key') return `Check ${label.setting('key')}.`
  return `Give the identity a role such as Cognitive Services OpenAI User, and check ${label.setting('scope')}.`
}
