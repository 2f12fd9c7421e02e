import type { Upstream } from '../config/upstreams.ts'
import { createKeyRedactor, redactText } from '../lib/credential-texts.ts'
import type { Clock } from '../lib/clock.ts'
import { reasonOf } from '../lib/error-text.ts'
import type { CredentialHeader, CredentialSource } from './credential.ts'
import type { UpstreamConnections } from './upstream-call.ts'
import { credentialAdvice, UpstreamFailure, type UpstreamLabel } from './upstream-failure.ts'
import { addressOf, checkRequest } from './upstream-request.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** Whether address, credential and TLS of an upstream work. */
export interface UpstreamCheck {
  readonly ok: boolean
  /** Duration in milliseconds, with the credential and the connection. */
  readonly ms: number
  /** Status of the answer; absent without an answer. */
  readonly status?: number
  /** Cause and fix, without secrets; absent if `ok`. */
  readonly problem?: string
}

/** Dependencies of `verifyUpstream`. */
interface VerifyDeps {
  readonly upstream: Upstream
  readonly target: UpstreamTarget
  readonly label: UpstreamLabel
  readonly clock: Clock
  readonly credentials: CredentialSource
  readonly connect: () => UpstreamConnections
}

/** Messages of @azure/identity about all credentials that it tried are longer. */
const MAX_REASON_LENGTH = 600

/** Longer timeouts of the upstream do not apply: a list of models takes less than a second. */
const MAX_VERIFY_MS = 30_000

/**
 * Sends one request that costs nothing, without repetitions: for the list of models, or the description of a serverless deployment.
 * If clients send the credential, it is not checked, and 401 counts as well. Never rejects.
 */
export async function verifyUpstream(deps: VerifyDeps): Promise<UpstreamCheck> {
  const { upstream, target, label, clock, credentials, connect } = deps
  const startedMs = clock.nowMs()
  const deadlineMs = startedMs + Math.min(MAX_VERIFY_MS, upstream.totalTimeoutMs)
  const { signal } = new AbortController()
  const elapsedMs = (): number => Math.round(clock.nowMs() - startedMs)
  try {
    const isCaller = upstream.credential.kind === 'caller'
    const isAnthropic = upstream.kind === 'anthropic'
    const wait = { timeoutMs: upstream.connectTimeoutMs, deadlineMs, client: { signal } }
    const credential: CredentialHeader | [] = isCaller ? [] : await credentials.header({}, isAnthropic, wait)
    const { path, headers } = addressOf(checkRequest(upstream.kind), upstream)
    const host = target.origin.slice(target.origin.indexOf('//') + 2)
    const answer = await connect().call({
      method: 'GET',
      path,
      headers: ['host', host, ...credential, ...headers, 'accept-encoding', 'identity'],
      body: Buffer.alloc(0),
      exchange: undefined,
      deadlineMs,
    })
    const { status, chunks } = answer
    // Only the status counts.
    chunks.pipe({ write: () => true, end() {}, fail() {} })
    const problem = problemOf(status, upstream, label)
    return { ok: problem === undefined, ms: elapsedMs(), status, ...(problem !== undefined && { problem }) }
  } catch (error) {
    const redactKeys = createKeyRedactor(credentials.secrets)
    const isCredential = error instanceof UpstreamFailure && error.code === 'UpstreamCredential'
    const cause =
      isCredential && error.cause !== undefined
        ? ` The reason is: ${reasonOf(error.cause).replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)}`
        : ''
    return { ok: false, ms: elapsedMs(), problem: redactKeys(redactText(reasonOf(error) + cause)) }
  }
}

function problemOf(status: number, upstream: Upstream, label: UpstreamLabel): string | undefined {
  const isCaller = upstream.credential.kind === 'caller'
  if (status < 300 || status === 429) return undefined
  if (status === 401 || status === 403) {
    if (isCaller) return undefined
    return `The ${label.text} rejected the credential with status ${status}. ${credentialAdvice(upstream, label)}`
  }
  const answered = `The ${label.text} answered with status ${status}.`
  if (status >= 500) return `${answered} Try again later, or check its log.`
  return `${answered} It may not be the API of the kind ${upstream.kind}. Check ${label.setting('endpoint')}, ${label.setting('kind')} and ${label.setting('api_version')}.`
}
