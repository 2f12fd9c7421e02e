import type { Interaction } from '../interaction.ts'
import { FieldError, readBodyBytes } from '../read-fields.ts'
import { readInteraction } from '../read-interaction.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import { guessPath } from './guess-path.ts'
import { type RecordingFormat, requireItem } from './recording-format.ts'

/**
 * Cassettes of langchain-tests: a map with the lists `requests` and `responses` of VCR.py, compressed with gzip. Addresses may be
 * replaced by a placeholder.
 *
 * Source: libs/standard-tests/langchain_tests/conftest.py of langchain-ai/langchain.
 */
export const langchain: RecordingFormat = {
  name: 'LangChain cassette',
  itemsOf(root) {
    if (!isYamlMap(root)) return undefined
    const requests = root.get('requests')
    const responses = root.get('responses')
    if (!isYamlList(requests) || !isYamlList(responses)) return undefined
    return requests.map((request, index) => ({
      at: isYamlMap(request) ? request : root,
      read: () => readPair(requireItem(request, `request ${index + 1}`), responses[index]),
    }))
  },
}

function readPair(request: YamlMap, response: YamlValue | undefined): Interaction {
  if (response === undefined)
    throw new FieldError('the request has no response at the same place of the list responses')
  const uri = textOf(request.get('uri')) ?? ''
  const known = uri.includes('/')
    ? request
    : new Map(request).set('uri', `https://redacted${guessPath(readBodyBytes(request.get('body') ?? null))}`)
  const read = readInteraction(
    new Map<string, YamlValue>([
      ['request', known],
      ['response', response],
    ]),
  )
  if ('problem' in read) throw new FieldError(read.problem)
  return read.interaction
}
