import { HeaderList } from './reply.ts'

/** What a reply has beside its body. */
export interface ReplyOptions {
  /** Default 200. */
  readonly status?: number
  /** Go after the content type, and may replace it. A list is sent as several headers of its name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>
}

/** The length and how it is told are for those who send the reply. */
const ofSending: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** The headers of a reply of one content type; `chunked` for one whose length is not known before its end. */
export function contentHeaders(
  contentType: string,
  given: ReplyOptions['headers'] = {},
  { chunked = false } = {},
): HeaderList {
  const headers = new HeaderList(
    chunked
      ? ['Content-Type', contentType, 'Transfer-Encoding', 'chunked']
      : ['Content-Length', '', 'Content-Type', contentType],
  )
  for (const [name, value] of Object.entries(given)) {
    if (ofSending.has(name.toLowerCase())) continue
    if (typeof value === 'object') for (const one of value) headers.append(name, one)
    else headers.set(name, String(value))
  }
  return headers
}
