import type { Interaction } from '../interaction.ts'
import { FieldError, readHeaders } from '../read-fields.ts'
import { isYamlList, isYamlMap, numberOf, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import { guessPath } from './guess-path.ts'
import {
  type FormatItem,
  interactionOf,
  jsonBody,
  type RecordingFormat,
  requireStatus,
} from './recording-format.ts'

/**
 * JSON lines, or a list, of `request` and `response`: either HTTP messages, or only the bodies of the OpenAI API. In the files of
 * the Batch API of OpenAI, the input line has the request and the output line with the same `custom_id` the response.
 *
 * Source: the Batch API in the OpenAI API reference.
 */
export const jsonLines: RecordingFormat = {
  name: 'JSON request-response file',
  itemsOf(root) {
    const list = isYamlMap(root) ? [root] : root
    if (!isYamlList(list) || list.length === 0 || !list.every(isYamlMap)) return undefined
    if (list.every((line) => line.has('custom_id'))) return batchItems(list)
    if (!list.every(isPair)) return undefined
    return list.map((line) => ({
      at: line,
      read: () => readPair(line.get('request') as YamlMap, line.get('response') as YamlMap),
    }))
  },
}

function isPair(line: YamlMap): boolean {
  const request = line.get('request')
  const response = line.get('response')
  if (!isYamlMap(request) || !isYamlMap(response)) return false
  const isHttp = ['url', 'uri', 'path'].some((name) => request.has(name)) && statusOf(response) !== undefined
  return isHttp || (!request.has('url') && ['messages', 'input', 'prompt'].some((name) => request.has(name)))
}

function statusOf(response: YamlMap): YamlValue | undefined {
  return response.get('status_code') ?? response.get('statusCode') ?? response.get('status')
}

function readPair(request: YamlMap, response: YamlMap): Interaction {
  const url = textOf(request.get('url')) ?? textOf(request.get('uri')) ?? textOf(request.get('path'))
  if (url === undefined) {
    const body = jsonBody(request)
    return interactionOf(
      { method: 'POST', uri: guessPath(body), headers: jsonType, body },
      { code: 200, headers: jsonType, bytes: jsonBody(response) },
    )
  }
  const status = statusOf(response)
  const code = isYamlMap(status) ? status.get('code') : status
  const headers = readHeaders(response.get('headers'), 'response.headers')
  return interactionOf(
    {
      method: textOf(request.get('method')) ?? 'POST',
      uri: url,
      headers: readHeaders(request.get('headers'), 'request.headers'),
      body: jsonBody(request.get('body')),
    },
    {
      code: requireStatus(code, 'response.status'),
      headers: headers.length > 0 ? headers : isYamlMap(response.get('body')) ? jsonType : [],
      bytes: jsonBody(response.get('body')),
      durationMs: numberOf(response.get('duration_ms')),
    },
  )
}

/**
 * Fixtures of aimock: a list of `match` and `response`. They have parts of a prompt instead of a request, which replay cannot compare.
 *
 * Source: the fixture reference of CopilotKit/aimock.
 */
export const aimock: RecordingFormat = {
  name: 'aimock fixture file',
  itemsOf(root) {
    const fixtures = isYamlMap(root) ? root.get('fixtures') : undefined
    if (!isYamlList(fixtures) || !fixtures.every((item) => isYamlMap(item) && item.has('match')))
      return undefined
    const fail = (): never => {
      throw new FieldError(
        'fixtures have parts of prompts instead of requests, so they cannot be replayed. Record the traffic instead',
      )
    }
    return [{ at: root as YamlMap, read: fail }]
  },
}

const jsonType = [['content-type', 'application/json']] as const

function batchItems(lines: readonly YamlMap[]): readonly FormatItem[] | undefined {
  const inputs = lines.filter((line) => line.has('url'))
  const outputs = new Map(
    lines.filter((line) => line.has('response')).map((line) => [textOf(line.get('custom_id')), line]),
  )
  if (inputs.length === 0 || outputs.size === 0) return undefined
  return inputs.map((line) => ({
    at: line,
    read: () => {
      const response = outputs.get(textOf(line.get('custom_id')))?.get('response')
      if (!isYamlMap(response))
        throw new FieldError(`no line has the response of custom_id ${textOf(line.get('custom_id'))}`)
      return readPair(line, response)
    },
  }))
}
