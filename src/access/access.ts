import type { AccessStages } from '../pipeline/pipeline.ts'
import {
  checkApiVersion,
  checkModelVersion,
  createFindDeployment,
  type OnUndefinedDeployment,
} from './find-deployment.ts'
import { timingSafeEqual } from 'node:crypto'
import { invalidToken } from '../wire/access-errors.ts'
import { invalidKey, resourceNotFound } from '../wire/errors.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { checksRequests } from '../pipeline/source-rules.ts'
import type { Stage } from '../pipeline/stage.ts'

/** Options of the access stages. */
export interface AccessOptions {
  /** Whether generate mode can answer paths that the service does not have, such as those of extensions; default: false. */
  readonly answersAnyPath?: boolean
  /** Called in generate mode for a request to a deployment that is not configured. */
  readonly onUndefinedDeployment?: OnUndefinedDeployment
}

/** Creates the stages that check the API version and the key, and find the deployment. */
export function createAccess({ answersAnyPath = false, onUndefinedDeployment }: AccessOptions): AccessStages {
  return {
    checkApiVersion,
    authenticate: createAuthenticate(answersAnyPath),
    findDeployment: createFindDeployment(onUndefinedDeployment),
    checkModelVersion,
  }
}

/** Compared length of a key. Keys of the service have 32 or 84 characters. */
const MAX_COMPARED_KEY_BYTES = 256

/**
 * Creates the stage that checks the key of the resource, as `api-key` or as a bearer token. A request with a `caller` set by a hook
 * passes.
 *
 * The service checks the path before the key (captured: 404 for an unknown path with an unknown key), so without a valid key an
 * unknown path gets 404. Recordings, a real service and generators of extensions can answer any path; there, all requests without a
 * valid key get 401.
 *
 * @param answersAnyPath whether generate mode can answer paths that the service does not have
 */
export function createAuthenticate(answersAnyPath: boolean): Stage {
  return function authenticate(exchange, next) {
    // An empty name, such as from an absent header, does not count.
    if (exchange.caller) return next()
    if (hasValidKey(exchange.headers, exchange.config.apiKey)) {
      exchange.caller = 'key'
      return next()
    }
    const mayBeAnswered = answersAnyPath || exchange.route !== undefined || !checksRequests(exchange)
    if (!mayBeAnswered) return refuse(resourceNotFound())
    return refuse(hasToken(exchange.headers) ? invalidToken(exchange.route?.dated ?? true) : invalidKey())
  }
}

/** A JSON Web Token: three parts in base64url, the first of which is a JSON object (`eyJ` is `{"`). */
const tokenPattern = /^bearer +eyJ[\w-]+\.[\w-]+\.[\w-]*$/i

/** Whether the caller authenticates with a token of Microsoft Entra ID and not with a key. */
function hasToken({ authorization, 'api-key': apiKey }: Exchange['headers']): boolean {
  return apiKey === undefined && authorization !== undefined && tokenPattern.test(authorization)
}

/** Whether the headers contain the key. Takes the same time for all wrong keys. */
export function hasValidKey(headers: Exchange['headers'], apiKey: string): boolean {
  const apiKeyHeader = headers['api-key']
  if (typeof apiKeyHeader === 'string') return keysEqual(apiKeyHeader, apiKey)
  const { authorization } = headers
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return false
  return keysEqual(authorization.slice(7), apiKey)
}

const actualBytes = Buffer.alloc(MAX_COMPARED_KEY_BYTES)
const expectedBytes = Buffer.alloc(MAX_COMPARED_KEY_BYTES)
let expectedKey: string | undefined

/** Compares padded copies, so that the time depends neither on the position of the first difference nor on the length. */
function keysEqual(actual: string, expected: string): boolean {
  if (expected !== expectedKey) {
    expectedKey = expected
    expectedBytes.fill(0).write(expected)
  }
  actualBytes.fill(0).write(actual)
  const sameBytes = timingSafeEqual(actualBytes, expectedBytes)
  return (
    sameBytes &&
    actual.length === expected.length &&
    (actual.length <= MAX_COMPARED_KEY_BYTES || actual === expected)
  )
}
