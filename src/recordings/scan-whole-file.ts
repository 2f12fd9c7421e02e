import { closeSync, readFileSync } from 'node:fs'
import { readInteraction } from './read-interaction.ts'
import { type RecordingProblem, versionProblem } from './recording-problem.ts'
import { openRegularFile } from '../lib/regular-file.ts'
import type { FileScan, OnInteraction, ScanLimits } from './scan-recording-file.ts'
import { readFullYaml, type YamlProblem } from './yaml-full-reader.ts'
import { isYamlList, isYamlMap, textOf, type YamlValue } from './yaml-value.ts'

const expectedFormat = 'Write a map with version: 1 and a list of interactions (docs/recordings.md).'

/**
 * Parses a complete file in any layout of YAML or JSON. Its interactions can only be kept in memory.
 *
 * @param from number of interactions that have been read already
 */
export function scanWholeFile<T>(file: string, onInteraction: OnInteraction<T>, limits: ScanLimits, from = 0): FileScan<T> {
  const fileProblem = (line: number, reason: string, fix: string): FileScan<T> => ({
    found: [],
    problems: [{ file, line, reason, fix }],
  })
  const bytes = readFileUpTo(file, limits.maxUnsplitFileBytes)
  if (typeof bytes === 'number') {
    const when = limits.isServing ? 'while requests are served' : 'completely'
    const reason = `the file is too large to be read ${when} (${bytes} bytes, maximum ${limits.maxUnsplitFileBytes} for its layout)`
    const restart = limits.isServing ? ', or restart the simulator' : ''
    return fileProblem(1, reason, `Write the list with one "- request:" per item${restart}.`)
  }
  const read = readFullYaml(bytes.toString(), limits.maxLexemes)
  if ('problem' in read)
    return fileProblem(read.problem.line, read.problem.reason, 'Correct it. The other files are served.')
  const foreignReason = foreignFormat(read.value)
  if (foreignReason !== undefined)
    return fileProblem(1, foreignReason, 'This format is not supported. Record with record mode or VCR.py.')
  if (!isYamlMap(read.value)) return fileProblem(1, 'the file is not a map', expectedFormat)
  const version = read.value.get('version')
  const wrongVersion = versionProblem(version === undefined ? '' : `version: ${textOf(version) ?? ''}`)
  if (wrongVersion) return { found: [], problems: [{ file, ...wrongVersion }] }

  const list = read.value.get('interactions')
  if (list === null) return { found: [], problems: [] }
  if (!isYamlList(list)) return fileProblem(1, 'the file has no list of interactions', expectedFormat)
  const found: T[] = []
  const problems: RecordingProblem[] = []
  const lines = list.map((value) => (isYamlMap(value) ? read.lineOf(value) : 1))
  const parseWarningsOf = (index: number): YamlProblem[] => {
    // Several interactions may be on one line.
    const [from = 1, to = Infinity] = [
      lines[index],
      lines.slice(index + 1).find((line) => line > (lines[index] ?? 1)),
    ]
    return read.parseWarnings.filter(({ line }) => line >= from && line < to)
  }
  for (const [index, value] of list.entries()) {
    if (index < from) continue
    const result = readInteraction(value)
    const line = lines[index] ?? 1
    if ('problem' in result) {
      const reason = `interaction ${index + 1}: ${result.problem}`
      problems.push({ file, line, reason, fix: 'Correct it. The others are served.' })
    } else {
      const parseWarnings = read.parseWarnings.length === 0 ? [] : parseWarningsOf(index)
      found.push(onInteraction(result.interaction, { offset: 0, length: 0, line, parseWarnings }, value))
    }
  }
  return { found, problems }
}

/** The bytes of a file, or its size if it is too large. */
function readFileUpTo(file: string, maxBytes: number): Buffer | number {
  const { descriptor, size } = openRegularFile(file)
  try {
    return size > maxBytes ? size : readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A sentence without a full stop for a file of another known tool; undefined for any other file. */
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
