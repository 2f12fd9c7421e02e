import type { HeaderList } from './header-list.ts'

/** Up to this length, in bytes, a body whose length is known is passed on in one piece, so that it can still fail whole. */
const wholeBodyBytes = 8 * 1024 * 1024

/**
 * Whether an answer from elsewhere is passed on as it arrives: a stream, and what is large or of unknown length. JSON is of
 * no use before its end, and as a whole it can still be replaced by an error that says what happened.
 */
export function comesInPieces(headers: HeaderList): boolean {
  if (isEventStream(headers)) return true
  const length = headers.get('content-length')
  if (length !== undefined) return Number(length) > wholeBodyBytes
  return !/[/+]json\b/i.test(headers.get('content-type') ?? '')
}

/** Whether the content type is that of server-sent events. */
export function isEventStream(headers: HeaderList): boolean {
  return headers.get('content-type')?.trim().toLowerCase().startsWith('text/event-stream') ?? false
}
