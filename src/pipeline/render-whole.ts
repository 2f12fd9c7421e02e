import type { WholeBody } from './reply.ts'

/** A rendered body. */
export interface WholeContent {
  readonly content: string | Uint8Array
  /** Bytes on the wire. */
  readonly length: number
}

/** Renders a body that is sent in one piece. */
export function renderWhole(body: WholeBody): WholeContent {
  const ascii = body.renderAscii?.(body)
  if (ascii !== undefined) return { content: ascii, length: ascii.length }
  const content = body.render()
  return { content, length: typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength }
}

/** Pure ASCII has as many bytes as characters; Node writes it a third faster as latin1 than as UTF-8. */
export function wireEncoding(content: string, byteLength: number): 'latin1' | 'utf8' {
  return content.length === byteLength ? 'latin1' : 'utf8'
}
