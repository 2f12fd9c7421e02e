import type { Interaction } from '../interaction.ts'
import { readHeaders } from '../read-fields.ts'
import { isYamlMap, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import {
  interactionOf,
  jsonBody,
  type RecordingFormat,
  requireStatus,
  requireText,
} from './recording-format.ts'

/**
 * The test agent of Datadog: one interaction in a file, with bodies as text or as `base64:` and base64.
 *
 * Source: ddapm_test_agent/vcr_proxy.py of DataDog/dd-apm-test-agent.
 */
export const testAgent: RecordingFormat = {
  name: 'Datadog test-agent cassette',
  itemsOf(root) {
    if (!isYamlMap(root)) return undefined
    const request = root.get('request')
    const response = root.get('response')
    if (!isYamlMap(request) || !isYamlMap(response) || !request.has('method') || !response.has('status'))
      return undefined
    // WireMock has the same keys, and a number as the status.
    if (!isYamlMap(response.get('status')) || !(request.has('url') || request.has('uri'))) return undefined
    return [{ at: root, read: () => readCassette(request, response) }]
  },
}

function readCassette(request: YamlMap, response: YamlMap): Interaction {
  const status = response.get('status')
  const fields = isYamlMap(status) ? status : new Map<string, YamlValue>()
  return interactionOf(
    {
      method: requireText(request, 'request', 'method'),
      uri: requireText(request, 'request', request.has('url') ? 'url' : 'uri'),
      headers: readHeaders(request.get('headers'), 'request.headers'),
      body: bodyOf(request.get('body')),
    },
    {
      code: requireStatus(fields.get('code'), 'response.status.code'),
      message: textOf(fields.get('message')),
      headers: readHeaders(response.get('headers'), 'response.headers'),
      bytes: bodyOf(response.get('body')),
    },
  )
}

function bodyOf(value: YamlValue | undefined): Uint8Array | undefined {
  const marker = 'base64:'
  if (typeof value === 'string' && value.startsWith(marker))
    return Buffer.from(value.slice(marker.length), 'base64')
  return jsonBody(value)
}
