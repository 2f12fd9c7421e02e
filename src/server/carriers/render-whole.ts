import { isAsciiBody, type WholeBody } from '../../answer/body.ts'

/** A rendered body. */
export interface WholeContent {
  readonly content: string | Uint8Array
  /** Bytes on the wire. */
  readonly length: number
}

/** Renders a body that is sent in one piece. */
export function renderWhole(body: WholeBody): WholeContent {
  const content = body.render()
  if (typeof content !== 'string') return { content, length: content.byteLength }
  return { content, length: isAsciiBody(body) ? content.length : Buffer.byteLength(content) }
}

/** Pure ASCII has as many bytes as characters; Node writes it a third faster as latin1 than as UTF-8. */
export function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
