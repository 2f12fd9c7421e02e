import { HeaderList, type Reply } from './reply.ts'
import { textBody } from '../answer/body.ts'

/** nginx's status for a client that left before its answer: nobody sees it but the metrics. */
const CLIENT_LEFT_STATUS = 499

/** The reply to a client that has left. */
export function clientLeftReply(): Reply {
  return { status: CLIENT_LEFT_STATUS, headers: new HeaderList(), body: textBody('') }
}
