import { type HeaderPairs, headerOf, type Interaction } from '../interaction.ts'
import { readHeaders } from '../read-fields.ts'
import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from '../yaml-value.ts'
import {
  entryItems,
  interactionOf,
  jsonBody,
  type RecordingFormat,
  requireStatus,
  requireText,
} from './recording-format.ts'

/**
 * The test proxy of the Azure SDKs: `Entries` with bodies as JSON, as text, as a list of lines, or in base64 if the content type is
 * not text.
 *
 * Source: RecordEntry.cs and ContentTypeUtilities.cs of Azure/azure-sdk-tools.
 */
export const testProxy: RecordingFormat = {
  name: 'Azure SDK test-proxy recording',
  itemsOf(root) {
    const entries = isYamlMap(root) ? root.get('Entries') : undefined
    return isYamlList(entries) ? entryItems(entries, readEntry) : undefined
  },
}

function readEntry(entry: YamlMap): Interaction {
  const requestHeaders = readHeaders(entry.get('RequestHeaders'), 'RequestHeaders')
  const headers = readHeaders(entry.get('ResponseHeaders'), 'ResponseHeaders')
  return interactionOf(
    {
      method: requireText(entry, 'the entry', 'RequestMethod'),
      uri: requireText(entry, 'the entry', 'RequestUri'),
      headers: requestHeaders,
      body: bodyOf(entry.get('RequestBody'), requestHeaders),
    },
    {
      code: requireStatus(entry.get('StatusCode'), 'StatusCode'),
      headers,
      bytes: bodyOf(entry.get('ResponseBody'), headers),
    },
  )
}

function bodyOf(value: YamlValue | undefined, headers: HeaderPairs): Uint8Array | undefined {
  if (isYamlList(value)) {
    const lines = value.filter((line) => typeof line === 'string')
    return lines.length === value.length ? Buffer.from(lines.join('')) : jsonBody(value)
  }
  if (typeof value !== 'string' || isTextType(headerOf(headers, 'content-type'))) return jsonBody(value)
  return Buffer.from(value, 'base64')
}

function isTextType(type: string | undefined): boolean {
  return /^text\/|charset=|\bjson\b|\bxml\b|x-www-form-urlencoded/i.test(type ?? '')
}
