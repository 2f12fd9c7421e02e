import { closeSync, readFileSync } from 'node:fs'
import { readInteraction } from './read-interaction.ts'
import { type RecordingProblem, versionProblem } from './recording-problem.ts'
import { openRegularFile } from '../lib/regular-file.ts'
import type { FileScan, Keep, ScanLimits } from './scan-recording-file.ts'
import { readFullYaml, type YamlFault } from './yaml-full-reader.ts'
import { isYamlList, isYamlMap, textOf, type YamlValue } from './yaml-value.ts'

const example = 'A recording file is a map with version: 1 and a list of interactions (docs/recordings.md).'

/**
 * Reads a file in any layout of YAML or JSON, as a whole; what is found can only be kept in memory.
 *
 * @param from so many interactions have been read before
 */
export function scanWholeFile<T>(file: string, keep: Keep<T>, limits: ScanLimits, from = 0): FileScan<T> {
  const fails = (line: number, reason: string, fix: string): FileScan<T> => ({
    found: [],
    problems: [{ file, line, reason, fix }],
  })
  const bytes = readWhole(file, limits.wholeBytes)
  if (typeof bytes === 'number') {
    const when = limits.isServing ? 'while others are served' : 'in one go'
    const reason = `the file is too large to be read ${when} (${bytes} bytes, and ${limits.wholeBytes} at most in its layout)`
    const restart = limits.isServing ? ', or start again' : ''
    return fails(1, reason, `Write the list with one "- request:" an item${restart}.`)
  }
  const read = readFullYaml(bytes.toString(), limits.lexemes)
  if ('fault' in read)
    return fails(read.fault.line, read.fault.reason, 'Correct it; the other files are served.')
  const foreign = foreignFormat(read.value)
  if (foreign !== undefined)
    return fails(1, foreign, 'It cannot be replayed yet; record with VCR.py or record mode.')
  if (!isYamlMap(read.value)) return fails(1, 'the file holds no map', example)
  const version = read.value.get('version')
  const wrongVersion = versionProblem(version === undefined ? '' : `version: ${textOf(version) ?? ''}`)
  if (wrongVersion) return { found: [], problems: [{ file, ...wrongVersion }] }

  const list = read.value.get('interactions')
  if (list === null) return { found: [], problems: [] }
  if (!isYamlList(list)) return fails(1, 'the file has no list of interactions', example)
  const found: T[] = []
  const problems: RecordingProblem[] = []
  const lines = list.map((value) => (isYamlMap(value) ? read.lineOf(value) : 1))
  const doubtsOf = (index: number): YamlFault[] => {
    // Several may stand on one line.
    const [from = 1, to = Infinity] = [
      lines[index],
      lines.slice(index + 1).find((line) => line > (lines[index] ?? 1)),
    ]
    return read.doubts.filter(({ line }) => line >= from && line < to)
  }
  for (const [index, value] of list.entries()) {
    if (index < from) continue
    const made = readInteraction(value)
    const line = lines[index] ?? 1
    if ('fault' in made) {
      const reason = `interaction ${index + 1}: ${made.fault}`
      problems.push({ file, line, reason, fix: 'Correct it; the others are served.' })
    } else {
      const doubts = read.doubts.length === 0 ? [] : doubtsOf(index)
      found.push(keep(made.interaction, { offset: 0, length: 0, line, doubts }, value))
    }
  }
  return { found, problems }
}

/** The bytes of a file; their number where it is too large. */
function readWhole(file: string, maxBytes: number): Buffer | number {
  const { descriptor, size } = openRegularFile(file)
  try {
    return size > maxBytes ? size : readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Says which other tool wrote a file, as a sentence without its full stop; undefined where none is recognised. */
function foreignFormat(value: YamlValue): string | undefined {
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
