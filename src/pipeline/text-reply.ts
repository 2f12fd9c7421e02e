import { contentHeaders, type ReplyOptions } from './content-headers.ts'
import type { Reply } from './reply.ts'
import { textBody } from '../answer/body.ts'

/** What a reply of text, or of bytes, has beside its body. */
export interface TextReplyOptions extends ReplyOptions {
  /** Default `text/plain; charset=utf-8`. */
  readonly contentType?: string
}

/** A reply of text, sent as UTF-8, or of bytes as they are. */
export function textReply(
  text: string | Uint8Array,
  { status = 200, contentType = 'text/plain; charset=utf-8', headers }: TextReplyOptions = {},
): Reply {
  return { status, headers: contentHeaders(contentType, headers), body: textBody(text) }
}
