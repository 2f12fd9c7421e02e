import { isYamlList, isYamlMap, type YamlValue } from './yaml-value.ts'

/** Says which other tool wrote a file, as a sentence without its full stop; undefined where none is recognised. */
export function foreignFormat(value: YamlValue): string | undefined {
  const name = formatOf(value)
  return name === undefined ? undefined : `the file is a recording of ${name}, which is another format`
}

function formatOf(value: YamlValue): string | undefined {
  if (isYamlList(value)) {
    const [first = null] = value
    return isYamlMap(first) && first.has('scope') && first.has('method') ? 'nock' : undefined
  }
  if (!isYamlMap(value)) return undefined
  if (value.has('http_interactions')) return 'VCR for Ruby or R'
  const log = value.get('log')
  if (isYamlMap(log) && log.has('entries')) return 'a browser or Polly.js (HAR)'
  if (isYamlList(value.get('requests')) && isYamlList(value.get('responses'))) return 'langchain-tests'
  if (value.has('mappings') || (isYamlMap(value.get('request')) && isYamlMap(value.get('response')))) {
    return value.has('interactions') ? undefined : 'WireMock, or a test agent'
  }
  return value.has('Entries') ? 'the Azure SDK test proxy' : undefined
}
