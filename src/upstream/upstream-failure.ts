import { gatewayError, type ServiceError } from '../wire/errors.ts'

/** Every way in which the upstream can fail before a client has seen any of its answer, with the status of each. */
const failures = {
  UpstreamCredential: 502,
  UpstreamCredentialTimeout: 504,
  UpstreamUnreachable: 502,
  UpstreamConnectTimeout: 504,
  UpstreamFirstByteTimeout: 504,
  UpstreamIdleTimeout: 504,
  UpstreamTotalTimeout: 504,
  UpstreamBroken: 502,
  UpstreamInvalid: 502,
} as const

/** The name of a failure, as clients read it in `error.code`. */
export type UpstreamFailureCode = keyof typeof failures

/** The upstream did not answer as it should have. The message is for the caller too: it holds no key and no body. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly code: UpstreamFailureCode
  /** Whether the upstream cannot have begun to work on the request, so that asking again costs nothing. */
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

/** The call was given up because nobody waits for its answer any more. */
export class CallerLeft extends Error {
  override readonly name = 'CallerLeft'
}

/** The failure as an answer in the envelope of the service: 502, or 504 where time ran out. */
export function upstreamError({ code, message }: UpstreamFailure): ServiceError {
  return gatewayError('edge', failures[code], code, message)
}

/** 400: a path whose dot segments would get a caller to what stands beside the endpoint, with the operator's key. */
export function pathLeavesEndpoint(): ServiceError {
  const message =
    'Could not forward the request: its path has dot segments (..) that lead out of the endpoint. Send the path without them.'
  return gatewayError('edge', 400, 'InvalidPath', message)
}

/** What a failed connection means, by the code of Node's error, and what to do about it. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there. Start it, or correct AZURE_OPENAI_ENDPOINT.',
  ENOTFOUND: 'its name is unknown. Correct AZURE_OPENAI_ENDPOINT, or the name service of this machine.',
  EAI_AGAIN: 'its name could not be looked up just now. Check the name service of this machine.',
  EHOSTUNREACH: 'no network leads there. Check the network and its firewalls.',
  ENETUNREACH: 'no network leads there. Check the network and its firewalls.',
  ECONNRESET: 'it broke the connection before it answered. Try again, or look into its log.',
  EPIPE: 'it broke the connection while the request was sent. Try again, or look into its log.',
}

const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/

/** Turns an error of Node's client, before any answer, into a failure. */
export function connectionFailure(
  origin: string,
  error: NodeJS.ErrnoException,
  sent: boolean,
): UpstreamFailure {
  const { code = '' } = error
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `Could not read the answer of ${origin}: its headers are longer than HEADER_LIMIT_KB allows. Raise HEADER_LIMIT_KB.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  if (code.startsWith('HPE_')) {
    const message = `Could not read the answer of ${origin}: it is not HTTP (${code}). Correct AZURE_OPENAI_ENDPOINT.`
    return new UpstreamFailure('UpstreamInvalid', message, { cause: error })
  }
  const reason = tlsCode.test(code)
    ? `its certificate or its TLS is not accepted (${code}). Correct AZURE_OPENAI_ENDPOINT, or name the issuer's certificate in NODE_EXTRA_CA_CERTS.`
    : (reasons[code] ?? `${code || error.message}.`)
  const known = sent ? 'UpstreamBroken' : 'UpstreamUnreachable'
  return new UpstreamFailure(known, `Could not reach ${origin}: ${reason}`, {
    nothingSent: !sent,
    cause: error,
  })
}
