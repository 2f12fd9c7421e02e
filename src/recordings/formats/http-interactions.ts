import type { Interaction } from '../interaction.ts'
import { describeValue, FieldError, readBodyBytes, readHeaders, requireMap } from '../read-fields.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import { interactionOf, requireStatus, requireText } from './recording-format.ts'

/**
 * VCR for Ruby and vcr for R: a list `http_interactions` with `recorded_at`, and bodies with an `encoding`. R has the status as a
 * number or as a map with `status_code`.
 *
 * Source: lib/vcr/structs.rb of vcr/vcr, R/write.R of ropensci/vcr.
 */
export function isHttpInteraction(item: YamlMap): boolean {
  const response = item.get('response')
  if (item.has('recorded_at')) return true
  if (!isYamlMap(response)) return false
  const body = response.get('body')
  return isYamlMap(body) && body.has('encoding')
}

/** The tool that wrote a list item. */
export function httpInteractionsTool(item: YamlValue | undefined): string {
  const response = isYamlMap(item) ? item.get('response') : undefined
  const status = isYamlMap(response) ? response.get('status') : undefined
  const isR = isYamlMap(status) ? status.has('status_code') : textOf(status) !== undefined
  return isR ? 'R vcr cassette' : 'Ruby VCR cassette'
}

/** Converts a list item. @throws {FieldError} if it cannot be replayed */
export function readHttpInteraction(item: YamlMap): Interaction {
  const request = requireMap(item, 'request')
  const response = requireMap(item, 'response')
  const status = response.get('status')
  const fields = isYamlMap(status) ? status : new Map<string, YamlValue>([['code', status ?? null]])
  return interactionOf(
    {
      method: requireText(request, 'request', 'method'),
      uri: withoutHostPlaceholder(requireText(request, 'request', 'uri')),
      headers: readHeaders(noMap(request.get('headers')), 'request.headers'),
      body: bodyOf(request.get('body') ?? null, 'request.body'),
      isAnyBody: isForm(request.get('body')),
    },
    {
      code: requireStatus(fields.get('code') ?? fields.get('status_code'), 'response.status'),
      message: textOf(fields.has('status_code') ? fields.get('reason') : fields.get('message')),
      headers: readHeaders(noMap(response.get('headers')), 'response.headers'),
      bytes: bodyOf(response.get('body') ?? null, 'response.body'),
    },
  )
}

/** jsonlite writes an empty map as an empty list. */
function noMap(value: YamlValue | undefined): YamlValue {
  return isYamlList(value) && value.length === 0 ? null : (value ?? null)
}

/** `filter_sensitive_data` can replace the scheme and host of an address: `<AZURE_API_BASE>/openai/v1/responses`. */
function withoutHostPlaceholder(uri: string): string {
  return uri.replace(/^<[^<>/]+>(?=[/?]|$)/, '')
}

const latin1 = /^(?:iso-?8859-1|iso-?8859-15|windows-1252|latin-?1)$/i

/** vcr for R stores the fields of a form, and the names of its files instead of their content. */
function isForm(body: YamlValue | undefined): boolean {
  return isYamlMap(body) && body.has('fields') && !body.has('string') && !body.has('base64_string')
}

/** A body is text, bytes, or a map with one of them and its encoding. */
function bodyOf(value: YamlValue, where: string): Uint8Array | undefined {
  if (!isYamlMap(value)) return readBodyBytes(value)
  const base64 = textOf(value.get('base64_string'))
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  const file = textOf(value.get('file'))
  if (file !== undefined && !/^(?:no|false|)$/i.test(file)) {
    throw new FieldError(`${where} is in another file (got file ${describeValue(value.get('file'))})`)
  }
  if (isForm(value)) return undefined
  const string = value.get('string') ?? null
  const text = textOf(string)
  if (text === undefined) return isYamlMap(string) && string.size === 0 ? undefined : readBodyBytes(string)
  const isLatin1 = latin1.test(textOf(value.get('encoding')) ?? '') && !/[^\0-\xff]/.test(text)
  return Buffer.from(text, isLatin1 ? 'latin1' : 'utf8')
}
