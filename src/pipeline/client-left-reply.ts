import { HeaderList, type Reply } from './reply.ts'
import { textBody } from '../answer/body.ts'

/** Status of nginx for a client that disconnected before its answer. It appears in metrics only. */
const CLIENT_LEFT_STATUS = 499

/** Returns the reply for a client that has disconnected. */
export function clientLeftReply(): Reply {
  return { status: CLIENT_LEFT_STATUS, headers: new HeaderList(), body: textBody('') }
}
