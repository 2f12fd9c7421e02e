import { readInteraction } from './read-interaction.ts'
import type { RecordingProblem } from './recording-problem.ts'
import { versionFault } from './recording-version.ts'
import type { FileScan, Keep } from './scan-recording-file.ts'
import { readFullYaml } from './yaml-full-reader.ts'
import { isYamlList, isYamlMap, textOf } from './yaml-value.ts'

/** The full parser takes some fifty times the size of a text in memory. */
const maxBytes = 32 * 1024 * 1024

const example = 'A recording file is a map with version: 1 and a list of interactions (docs/recordings.md).'

/** Reads a file in any layout of YAML or JSON, as a whole; what is found can only be kept in memory. */
export function scanWholeFile<T>(file: string, bytes: Buffer, keep: Keep<T>): FileScan<T> {
  const fails = (line: number, reason: string, cure: string): FileScan<T> => ({
    found: [],
    problems: [{ file, line, reason, cure }],
  })
  if (bytes.length > maxBytes) {
    return fails(1, 'the file is too large for its layout', 'Write the list with one "- request:" an item.')
  }
  const read = readFullYaml(bytes.toString())
  if ('fault' in read)
    return fails(read.fault.line, read.fault.reason, 'Correct it; the other files are served.')
  if (!isYamlMap(read.value)) return fails(1, 'the file holds no map', example)
  const version = read.value.get('version')
  const wrongVersion = versionFault(version === undefined ? '' : `version: ${textOf(version) ?? ''}`)
  if (wrongVersion) return { found: [], problems: [{ file, ...wrongVersion }] }

  const list = read.value.get('interactions')
  if (list === null) return { found: [], problems: [] }
  if (!isYamlList(list)) return fails(1, 'the file has no list of interactions', example)
  const found: T[] = []
  const problems: RecordingProblem[] = []
  for (const [index, value] of list.entries()) {
    const made = readInteraction(value)
    if ('fault' in made) {
      const reason = `interaction ${index + 1}: ${made.fault}`
      problems.push({ file, line: 1, reason, cure: 'Correct it; the others are served.' })
    } else {
      found.push(keep(made.interaction, { offset: 0, length: 0, line: 1 }))
    }
  }
  return { found, problems }
}
