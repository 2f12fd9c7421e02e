import type { AccessStages } from '../pipeline/pipeline.ts'
import {
  checkApiVersion,
  checkModelVersion,
  createFindDeployment,
  type OnUndefinedDeployment,
} from './find-deployment.ts'
import { timingSafeEqual } from 'node:crypto'
import { invalidKey, resourceNotFound } from '../wire/errors.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { checksRequests } from '../pipeline/source-rules.ts'
import type { Stage } from '../pipeline/stage.ts'

/** What the stages of access depend on. */
export interface AccessOptions {
  /** Whether generate mode may answer paths that the service does not have, as generators of extensions do; default false. */
  readonly answersAnyPath?: boolean
  /** A deployment that the configuration does not have is asked for, in generate mode; absent: nobody hears of it. */
  readonly onUndefinedDeployment?: OnUndefinedDeployment
}

/** Makes the stages that say whether a request may pass, and for which deployment. */
export function createAccess({ answersAnyPath = false, onUndefinedDeployment }: AccessOptions): AccessStages {
  return {
    checkApiVersion,
    authenticate: createAuthenticate(answersAnyPath),
    findDeployment: createFindDeployment(onUndefinedDeployment),
    checkModelVersion,
  }
}

/** Longer keys than this are told apart by their length; the service's own have 32 or 84 characters. */
const MAX_COMPARED_KEY_BYTES = 256

/**
 * Makes the stage that lets a request pass that carries the resource's key, as `api-key` or as a bearer token, and one
 * whose caller is known already.
 *
 * The service looks at the path before the key (a captured 404 for an unknown path with a key it did not judge), so a
 * stranger gets the 404 for a path that nothing answers. Recordings, a real service and the generators of extensions may
 * answer any path, so that there every stranger gets the 401.
 *
 * @param answersAnyPath whether generate mode may answer paths that the service does not have
 */
export function createAuthenticate(answersAnyPath: boolean): Stage {
  return function authenticate(exchange, next) {
    // An empty name, such as that of an absent header, is nobody's.
    if (exchange.caller) return next()
    if (hasValidKey(exchange.headers, exchange.config.apiKey)) {
      exchange.caller = 'key'
      return next()
    }
    const mayBeAnswered = answersAnyPath || exchange.route !== undefined || !checksRequests(exchange)
    return refuse(mayBeAnswered ? invalidKey() : resourceNotFound())
  }
}

/** Whether the headers carry the key. Takes the same time for every wrong key. */
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

/** Compares padded copies, so that neither the first difference nor the length shows in the time. */
function keysEqual(given: string, expected: string): boolean {
  if (expected !== expectedKey) {
    expectedKey = expected
    expectedBytes.fill(0).write(expected)
  }
  actualBytes.fill(0).write(given)
  const sameBytes = timingSafeEqual(actualBytes, expectedBytes)
  return (
    sameBytes &&
    given.length === expected.length &&
    (given.length <= MAX_COMPARED_KEY_BYTES || given === expected)
  )
}
