import type { ServiceError } from '../wire/errors.ts'
import { shortText } from '../lib/error-text.ts'
import { redactText } from '../lib/credential-texts.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { NearestRecording } from './miss-nearest.ts'
import { placeOf } from './recording-entry.ts'

/**
 * 404: no recording answers the request. The message teaches: the nearest recording, the first difference, and what would
 * have matched. `x-should-retry: false` is what the official clients obey; without it some ask again and again.
 *
 * @param dir the folder that was searched
 */
export function missReply(exchange: Exchange, nearest: NearestRecording | undefined, dir: string): Reply {
  const error: ServiceError = {
    status: 404,
    code: 'RecordingNotFound',
    type: 'invalid_request_error',
    message: describeMiss(exchange, nearest, dir),
    param: null,
    layer: 'edge',
    envelope: 'simulator',
    ...(nearest && { details: detailsOf(nearest) }),
  }
  return refuse(error, { 'x-should-retry': 'false' })
}

function detailsOf({ entry, method, uri, difference }: NearestRecording): Record<string, unknown> {
  const { at, requested, recorded, advice } = difference
  return {
    nearest: { place: placeOf(entry), method, uri },
    first_difference: { at, requested, recorded },
    would_match: advice,
  }
}

/** The miss in a few sentences, for the answer and for the log. */
export function describeMiss(exchange: Exchange, nearest: NearestRecording | undefined, dir: string): string {
  const missed = `No recording answers ${exchange.method} ${shortText(redactText(exchange.path), 300)}.`
  if (!nearest)
    return `${missed} There is nothing to compare it with in ${dir}. Set REPLAY_ON_MISS=record to record it, or RECORDING_DIR to the folder that has it.`
  const { entry, method, uri, difference } = nearest
  const { at, requested, recorded, advice } = difference
  return `${missed} The nearest is ${method} ${uri} (${placeOf(entry)}). They first differ in ${at}: the request has ${requested}, the recording has ${recorded}. Set REPLAY_ON_MISS=record to record this request. To get that recording instead: ${advice}`
}
