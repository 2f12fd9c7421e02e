import type { Operation } from './operations.ts'
import { dataEvent } from './sse.ts'

/** The text of an error in a stream that does not name another one; that of the service's 500, shortened. */
export const streamErrorMessage = 'The server had an error while processing your request. Sorry about that!'

/**
 * An error in an open stream. Both official clients throw on it. Its members are those of a 500 (for chat, no capture
 * exists) and of the `error` event of the Responses API's specification.
 *
 * @param sequence the event's number in its stream, which the Responses API tells
 */
export function streamErrorEvent(operation: Operation, message: string, sequence: number): string {
  if (operation !== 'responses') {
    return dataEvent(JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } }))
  }
  const error = { type: 'error', code: 'server_error', message, param: null, sequence_number: sequence }
  return `event: error\n${dataEvent(JSON.stringify(error))}`
}
