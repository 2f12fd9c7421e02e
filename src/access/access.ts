import type { AccessStages } from '../pipeline/pipeline.ts'
import {
  checkApiVersion,
  checkModelVersion,
  createFindDeployment,
  refuseApiVersion,
  type OnUndefinedDeployment,
} from './find-deployment.ts'
import { type Config, defaultResourceName } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { MaybePromise } from '../lib/port.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { checksRequests, checksVersions } from '../pipeline/source-rules.ts'
import type { ReplyOrPromise, Stage } from '../pipeline/stage.ts'
import { invalidToken } from '../wire/access-errors.ts'
import { invalidKey, resourceNotFound } from '../wire/errors.ts'
import type { Route } from '../wire/route.ts'
import { bearerOf, isTokenLike, keyInHeader, KeyJudge, type Refusal, type Verdict } from './credentials.ts'
import { TokenJudge } from './token-judge.ts'

/** Options of the access stages. */
export interface AccessOptions {
  /** Whether generate mode can answer paths that the service does not have, such as those of extensions; default: false. */
  readonly answersAnyPath?: boolean
  /** Called in generate mode for a request to a deployment that is not configured. */
  readonly onUndefinedDeployment?: OnUndefinedDeployment
  /** The clock of the exchanges; default: the clock of the machine. */
  readonly clock?: Clock
  /** Default: none. */
  readonly logger?: Logger
  /** Returns the configuration of all resources, to distinguish keys of other resources from unknown ones. Absent: all are unknown. */
  readonly config?: () => Config
  /** Called with the text of a key that was found by its hash, because it must not appear in logs. */
  readonly onProvenKey?: (key: string) => void
  /** Reads the public keys of tenants; default: that of Node.js. */
  readonly fetch?: typeof fetch
}

/** A request with its resource. */
type Asked = Pick<Exchange, 'headers' | 'resource' | 'config'>

/** The access stages, and the judgement of credentials alone. */
export interface Access extends AccessStages {
  /** Judges the credentials of a request: without a promise unless the request has a token that is not known yet. */
  readonly judge: (request: Asked) => MaybePromise<Verdict>
}

/** Creates the stages that check the API version and the key or token, and find the deployment. */
export function createAccess(options: AccessOptions): Access {
  const { answersAnyPath = false, onUndefinedDeployment, logger } = options
  const judge = createJudge(options)
  return {
    checkApiVersion,
    authenticate: createAuthenticate(judge, answersAnyPath, logger),
    findDeployment: createFindDeployment(onUndefinedDeployment),
    checkModelVersion,
    judge,
  }
}

function createJudge(options: AccessOptions): Access['judge'] {
  const { clock = createSystemClock(), logger, config, onProvenKey = () => {} } = options
  const keys = new KeyJudge(config, onProvenKey)
  const tokens = new TokenJudge({ clock, logger, fetch: options.fetch })
  return (request) => {
    const { headers } = request
    const key = keyInHeader(headers)
    const text = key ?? bearerOf(headers)
    if (text === undefined) return { reason: 'missing-credentials' }
    const isToken = key === undefined && isTokenLike(text)
    // First, so that a known token is not hashed.
    const known = isToken ? tokens.known(text, request) : undefined
    if (known !== undefined) return known
    const caller = keys.callerOf(text, request.config)
    if (caller !== undefined) return caller
    return isToken ? tokens.judge(text, request) : { reason: keys.refusalOf(text, request.config) }
  }
}

/** Whether the request has a token of Microsoft Entra ID and no key. */
function hasToken({ headers }: Exchange): boolean {
  return keyInHeader(headers) === undefined && isTokenLike(bearerOf(headers) ?? '')
}

/**
 * Creates the stage that checks the key or token. A request with a `caller` set by a hook passes.
 *
 * The service checks the path before the key (captured: 404 for an unknown path with an unknown key), so without a valid key an
 * unknown path gets 404. Recordings, a real service and generators of extensions can answer any path; there, all requests without a
 * valid key get 401.
 *
 * A caller learns neither why it was refused nor whether a resource exists: a request to a resource that does not exist is refused
 * like one with a wrong key. The key of the default resource, which is that of the operator, gets 404 for it.
 *
 * @param answersAnyPath whether generate mode can answer paths that the service does not have
 */
function createAuthenticate(judge: Access['judge'], answersAnyPath: boolean, logger?: Logger): Stage {
  const refuseBy = (exchange: Exchange, reason: Refusal, route: Route | undefined): ReplyOrPromise => {
    exchange.refusal = reason
    logger?.debug({ ...exchange.logFields, refusal: reason }, 'A request was refused.')
    return refuse(hasToken(exchange) ? invalidToken(route?.dated ?? true) : invalidKey())
  }
  const conclude = (exchange: Exchange, verdict: Verdict, next: () => ReplyOrPromise): ReplyOrPromise => {
    const { route, routeOfUnknownResource: unknown } = exchange
    if (typeof verdict === 'string') {
      exchange.caller = verdict
      return next()
    }
    if (route || answersAnyPath || !checksUnknownPaths(exchange)) {
      return refuseBy(exchange, verdict.reason, route ?? unknown)
    }
    if (!unknown) return refuse(resourceNotFound())
    return refuseVersion(exchange, unknown) ?? refuseBy(exchange, 'unknown-resource', unknown)
  }
  return function authenticate(exchange, next) {
    // An empty name, such as from an absent header, does not count.
    if (exchange.caller) return next()
    const verdict = judge(exchange)
    return verdict instanceof Promise
      ? verdict.then((known) => conclude(exchange, known, next))
      : conclude(exchange, verdict, next)
  }
}

/** A resource is like one that does not exist, to which the default resource answers. */
function checksUnknownPaths(exchange: Exchange): boolean {
  const isDefault = exchange.resource === defaultResourceName
  return checksRequests(isDefault ? exchange : { source: exchange.defaultMode })
}

/** Returns what the stage `api-version` answers at a resource that exists. */
function refuseVersion(exchange: Exchange, route: Route): ReplyOrPromise | undefined {
  return checksVersions(exchange) ? refuseApiVersion(exchange, route) : undefined
}
