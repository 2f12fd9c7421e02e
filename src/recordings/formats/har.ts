import { decodeBody } from '../../lib/content-decoding.ts'
import { type HeaderPairs, headerOf, type Interaction } from '../interaction.ts'
import { FieldError, headerText } from '../read-fields.ts'
import { isYamlList, isYamlMap, numberOf, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import {
  entryItems,
  fromBase64,
  fromHex,
  interactionOf,
  type RecordingFormat,
  requireItem,
  requireStatus,
  requireText,
} from './recording-format.ts'

/**
 * HAR 1.2 of browsers and proxies, and of Polly.js, which stores a compressed answer as a list of chunks in base64 or hexadecimal.
 *
 * Source: the HAR 1.2 specification; packages/@pollyjs/persister of Netflix/pollyjs.
 */
export const har: RecordingFormat = {
  name: 'HAR file',
  itemsOf(root) {
    const log = isYamlMap(root) ? root.get('log') : undefined
    const entries = isYamlMap(log) ? log.get('entries') : undefined
    return isYamlList(entries) ? entryItems(entries, readEntry) : undefined
  },
}

function readEntry(entry: YamlMap): Interaction | undefined {
  const request = requireItem(entry.get('request'), 'request')
  const response = requireItem(entry.get('response'), 'response')
  const url = requireText(request, 'request', 'url')
  // Browsers also list what they did not request: data URLs, web sockets, and requests that were blocked or cancelled.
  if (!/^https?:/i.test(url) || numberOf(response.get('status')) === 0) return undefined
  const requestHeaders = pairsOf(request.get('headers'))
  const content = response.get('content')
  const answer = readContent(isYamlMap(content) ? content : new Map(), pairsOf(response.get('headers')))
  const time = numberOf(entry.get('time'))
  return interactionOf(
    {
      method: requireText(request, 'request', 'method'),
      uri: url,
      headers: requestHeaders,
      body: readPostData(request.get('postData'), headerOf(requestHeaders, 'content-type')),
    },
    {
      code: requireStatus(response.get('status'), 'response.status'),
      message: textOf(response.get('statusText')),
      ...answer,
      durationMs: time === undefined || time <= 0 ? undefined : time,
    },
  )
}

/** A list of `name` and `value`. Chromium joins repeated headers with line feeds, and lists the pseudo-headers of HTTP/2. */
function pairsOf(value: YamlValue | undefined): HeaderPairs {
  if (!isYamlList(value)) return []
  return value.flatMap((pair): HeaderPairs => {
    const name = isYamlMap(pair) ? textOf(pair.get('name')) : undefined
    if (!isYamlMap(pair) || !name || name.startsWith(':')) return []
    return headerText(pair.get('value') ?? null)
      .split('\n')
      .map((text) => [name, text] as const)
  })
}

function readPostData(value: YamlValue | undefined, contentType: string | undefined): Uint8Array | undefined {
  if (!isYamlMap(value)) return undefined
  const text = textOf(value.get('text'))
  if (text) return bytesOf(value, text)
  const params = value.get('params')
  if (!isYamlList(params) || params.length === 0) return text === undefined ? undefined : Buffer.alloc(0)
  const type = textOf(value.get('mimeType')) ?? contentType ?? ''
  return Buffer.from(/^multipart\//i.test(type) ? multipartOf(params, type) : urlEncodedOf(params))
}

/** The bytes of a text in the encoding that its map names. */
function bytesOf(map: YamlMap, text: string): Buffer {
  const encoding = textOf(map.get('encoding'))?.toLowerCase()
  if (encoding === 'base64') return Buffer.from(text, 'base64')
  const isBinary = encoding === 'hex' || textOf(map.get('_isBinary')) === 'true'
  return (isBinary ? fromHex(text) : undefined) ?? Buffer.from(text)
}

function urlEncodedOf(params: readonly YamlValue[]): string {
  // Browsers store names and values as they were sent, or decoded.
  const encoded = (text: string): string => (/^[\w.~!*'()%+-]*$/.test(text) ? text : encodeURIComponent(text))
  return params
    .filter(isYamlMap)
    .map(
      (param) => `${encoded(textOf(param.get('name')) ?? '')}=${encoded(textOf(param.get('value')) ?? '')}`,
    )
    .join('&')
}

function multipartOf(params: readonly YamlValue[], type: string): string {
  const boundary = /boundary="?([^";]+)/i.exec(type)?.[1] ?? 'boundary'
  const parts = params.filter(isYamlMap).map((param) => {
    const fileName = textOf(param.get('fileName'))
    const partType = textOf(param.get('contentType'))
    const file = fileName === undefined ? '' : `; filename="${fileName}"`
    const head = `Content-Disposition: form-data; name="${textOf(param.get('name')) ?? ''}"${file}\r\n`
    return `--${boundary}\r\n${head}${partType ? `Content-Type: ${partType}\r\n` : ''}\r\n${textOf(param.get('value')) ?? ''}\r\n`
  })
  return `${parts.join('')}--${boundary}--\r\n`
}

/** The content of an answer, and its headers without a `content-encoding` that the content does not have. */
function readContent(
  content: YamlMap,
  headers: HeaderPairs,
): { headers: HeaderPairs; bytes: Uint8Array | undefined } {
  const text = textOf(content.get('text'))
  if (text === undefined) {
    const size = numberOf(content.get('size')) ?? 0
    if (size <= 0) return { headers, bytes: undefined }
    throw new FieldError(`response.content has no text, which the browser did not keep (size ${size})`)
  }
  const coding = headerOf(headers, 'content-encoding')
  if (coding === undefined) return { headers, bytes: bytesOf(content, text) }
  const chunks = chunksOf(text)
  if (chunks) return { headers, bytes: chunks }
  const bytes = bytesOf(content, text)
  const isEncoded = bytes.length > 0 && !decodeBody(bytes, coding).bytes.equals(bytes)
  return isEncoded
    ? { headers, bytes }
    : { headers: headers.filter(([name]) => name.toLowerCase() !== 'content-encoding'), bytes }
}

/** The bytes of a JSON list of chunks in hexadecimal or base64, of Polly.js; undefined for any other text. */
function chunksOf(text: string): Buffer | undefined {
  if (!/^\s*\[\s*"/.test(text)) return undefined
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(list) || !list.every((chunk) => typeof chunk === 'string')) return undefined
  const read = list.every((chunk) => fromHex(chunk)) ? fromHex : fromBase64
  const chunks = list.flatMap((chunk) => read(chunk) ?? [])
  return chunks.length === list.length ? Buffer.concat(chunks) : undefined
}
