import { isUtf8 } from 'node:buffer'
import { type HeaderPairs, headerOf, type Interaction } from '../interaction.ts'
import { headerText, readHeaders } from '../read-fields.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import {
  fromHex,
  interactionOf,
  jsonBody,
  type RecordingFormat,
  requireItem,
  requireStatus,
  requireText,
} from './recording-format.ts'

/**
 * nock.back and the recorder of nock with `output_objects`: a list of maps with `scope`, `method` and `path`. A body is text, parsed
 * JSON, hexadecimal digits if it is not UTF-8, or a list of such chunks if it has a `content-encoding`.
 *
 * Source: lib/recorder.js and lib/back.js of nock/nock.
 */
export const nock: RecordingFormat = {
  name: 'nock recording',
  itemsOf(root) {
    // A single definition is valid as well.
    const list = isYamlMap(root) && root.has('scope') ? [root] : root
    if (!isYamlList(list) || list.length === 0 || !list.every(isDefinition)) return undefined
    return list.map((item) => ({ at: item, read: () => readDefinition(item) }))
  },
}

function isDefinition(value: YamlValue): value is YamlMap {
  return isYamlMap(value) && value.has('scope') && (value.has('path') || value.has('method'))
}

function readDefinition(item: YamlMap): Interaction {
  const definition = requireItem(item, 'the definition')
  const headers = headersOf(definition.get('rawHeaders') ?? definition.get('headers'), 'rawHeaders')
  const isEncoded = headerOf(headers, 'content-encoding') !== undefined
  const isBinary = textOf(definition.get('responseIsBinary')) === 'true'
  const requestHeaders = headersOf(definition.get('reqheaders'), 'reqheaders')
  const requestCoding = headerOf(requestHeaders, 'content-encoding')
  return interactionOf(
    {
      method: textOf(definition.get('method')) || 'GET',
      uri: `${requireText(definition, 'the definition', 'scope').replace(/\/$/, '')}${textOf(definition.get('path')) ?? '/'}`,
      headers: requestHeaders,
      body: bodyOf(definition.get('body'), requestCoding !== undefined, false),
    },
    {
      code: requireStatus(definition.get('status') ?? null, 'status'),
      headers,
      bytes: bodyOf(definition.get('response'), isEncoded, isBinary),
    },
  )
}

/** Headers are a map, a list of alternating names and values, or a list of pairs. */
function headersOf(value: YamlValue | undefined, where: string): HeaderPairs {
  if (!isYamlList(value)) return readHeaders(value, where)
  if (value.every((pair) => isYamlList(pair))) {
    return value.map((pair) => [headerText(pair[0] ?? null), headerText(pair[1] ?? null)] as const)
  }
  return value.flatMap((name, index): HeaderPairs => {
    return index % 2 === 0 ? [[headerText(name), headerText(value[index + 1] ?? null)]] : []
  })
}

function bodyOf(value: YamlValue | undefined, isEncoded: boolean, isBinary: boolean): Uint8Array | undefined {
  if (isYamlList(value) && isEncoded) {
    const chunks = value.map((chunk) => (typeof chunk === 'string' ? fromHex(chunk) : undefined))
    if (chunks.every((chunk) => chunk !== undefined)) return Buffer.concat(chunks)
  }
  if (typeof value !== 'string') return jsonBody(value)
  const bytes = fromHex(value)
  // Old versions have no `responseIsBinary`, and requests have none. Only what is not UTF-8 is stored in hexadecimal.
  return bytes && (isBinary || isEncoded || !isUtf8(bytes)) ? bytes : Buffer.from(value)
}
