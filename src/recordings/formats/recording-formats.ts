import { FieldError } from '../read-fields.ts'
import { readInteraction } from '../read-interaction.ts'
import { isYamlList, isYamlMap, textOf, type YamlMap, type YamlValue } from '../yaml-value.ts'
import { goVcrTool, isGoVcrItem } from './go-vcr.ts'
import { har } from './har.ts'
import { httpInteractionsTool } from './http-interactions.ts'
import { aimock, jsonLines } from './json-lines.ts'
import { langchain } from './langchain.ts'
import { nock } from './nock.ts'
import type { FormatItem, RecordingFormat } from './recording-format.ts'
import { testAgent } from './test-agent.ts'
import { testProxy } from './test-proxy.ts'
import { wiremock } from './wiremock.ts'

/** The format of a recording file. */
export interface FileFormat {
  /** As messages name it: `HAR file`. */
  readonly name: string
  /** Whether `scrub` and `dedupe` can change a file of this format. Other files must be converted first. */
  readonly isWritable: boolean
}

/** The content of a file that is read as a whole. */
export interface FileContent {
  readonly format: FileFormat
  readonly items: readonly FormatItem[]
}

/** Formats that are not a list of interactions. The first one that fits is used. */
const formats: readonly RecordingFormat[] = [
  har,
  nock,
  langchain,
  testAgent,
  wiremock,
  testProxy,
  aimock,
  jsonLines,
]

/** Returns the interactions of a file in the format that its content has, or undefined if the format is unknown. */
export function readContent(root: YamlValue, file: string): FileContent | undefined {
  const list = listContent(root)
  if (list) return list
  for (const { name, itemsOf } of formats) {
    const items = itemsOf(root, file)
    if (items) return { format: { name, isWritable: false }, items }
  }
  return undefined
}

function listContent(root: YamlValue): FileContent | undefined {
  if (!isYamlMap(root)) return undefined
  const key = root.has('http_interactions') ? 'http_interactions' : 'interactions'
  const list = root.get(key)
  if (!isYamlList(list)) return undefined
  const format = listFormat(key, textOf(root.get('version')), list[0])
  const items = list.map((value): FormatItem => ({
    at: isYamlMap(value) ? value : root,
    read: () => {
      const read = readInteraction(value)
      if ('problem' in read) throw new FieldError(read.problem)
      return read.interaction
    },
  }))
  return { format: { ...format, isWritable: key === 'interactions' }, items }
}

/** The name of the format of VCR.py, this simulator and the Python simulator. */
export const defaultFormat = 'VCR.py cassette'

/**
 * The format of a file with a list of interactions.
 *
 * @param key the key of the list
 * @param version the version in the file
 * @param item the first item of the list
 */
export function listFormat(
  key: string,
  version: string | undefined,
  item: YamlValue | undefined,
): FileFormat {
  if (key === 'http_interactions') return { name: httpInteractionsTool(item), isWritable: true }
  return isGoVcr(item)
    ? { name: goVcrTool(version), isWritable: true }
    : { name: defaultFormat, isWritable: true }
}

/** Whether a list item is of go-vcr. */
export function isGoVcr(item: YamlValue | undefined): boolean {
  return isYamlMap(item) && isGoVcrItem(item)
}

/** Keys that the formats have near the start of a JSON file. */
const formatKeys =
  /"(?:interactions|http_interactions|log|scope|requests|request|mappings|Entries|custom_id|fixtures)"\s*:/

/** Whether the first part of a JSON text may be a recording. */
export function mayBeRecording(start: string): boolean {
  return formatKeys.test(start)
}

/** What a value of an unknown format is, for a message. */
export function describeContent(root: YamlValue): string {
  if (isYamlList(root)) return `a list of ${root.length} values`
  if (root === null) return 'an empty file'
  if (!isYamlMap(root)) return 'a single value'
  return root.size === 0 ? 'an empty map' : `a map with ${firstKeys(root)}`
}

function firstKeys(map: YamlMap): string {
  const keys = [...map.keys()]
  return `${keys.slice(0, 5).join(', ')}${keys.length > 5 ? ', ...' : ''}`
}
