import { gatewayError, type ServiceError } from '../wire/errors.ts'

/** Failures of the upstream before the client has received any of the answer, with their statuses. */
const failureStatuses = {
  UpstreamCredential: 502,
  UpstreamCredentialTimeout: 504,
  UpstreamUnreachable: 502,
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

/** The upstream did not answer correctly. The message is also sent to the client, so it contains no key and no body. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly code: UpstreamFailureCode
  /** Whether the upstream cannot have received the request, so that a repetition is safe. */
  readonly nothingSent: boolean

  constructor(
    code: UpstreamFailureCode,
    message: string,
    options: { readonly nothingSent?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.nothingSent = options.nothingSent ?? false
  }
}

/** The call was aborted because the client has disconnected. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected'
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

/** Cause and advice for a failed connection, by the error code of Node.js. */
const connectionReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Start it, or correct AZURE_OPENAI_ENDPOINT.',
  ENOTFOUND:
    'its host name does not exist. Correct AZURE_OPENAI_ENDPOINT, or the DNS settings of this machine.',
  EAI_AGAIN: 'the DNS lookup failed temporarily. Check the DNS settings of this machine.',
  EHOSTUNREACH: 'the host is unreachable. Check the network and its firewalls.',
  ENETUNREACH: 'the network is unreachable. Check the network and its firewalls.',
  ECONNRESET: 'it closed the connection before it answered. Try again, or check its log.',
  EPIPE: 'it closed the connection while the request was sent. Try again, or check its log.',
}

const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/

/** Converts an error of the HTTP client of Node.js, before any answer, into a failure. */
export function connectionFailure(
  origin: string,
  error: NodeJS.ErrnoException,
  sent: boolean,
): UpstreamFailure {
  const { code = '' } = error
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `Could not read the answer of ${origin}: its headers are larger than HEADER_LIMIT_KB. Raise HEADER_LIMIT_KB.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  if (code.startsWith('HPE_')) {
    const message = `Could not read the answer of ${origin}: it is not HTTP (${code}). Correct AZURE_OPENAI_ENDPOINT.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  const reason = tlsCode.test(code)
    ? `TLS failed (${code}). Correct AZURE_OPENAI_ENDPOINT, or set NODE_EXTRA_CA_CERTS to the certificate of the issuer.`
    : (connectionReasons[code] ?? `${code || error.message}.`)
  const failureCode = sent ? 'UpstreamBroken' : 'UpstreamUnreachable'
  return new UpstreamFailure(failureCode, `Could not reach ${origin}: ${reason}`, {
    nothingSent: !sent,
    cause: error,
  })
}
