import type { Command } from 'commander'
import type { CliHost } from './cli-host.ts'
import { convertRecordings } from './recordings-convert.ts'
import { dedupeRecordings, scrubRecordings } from './recordings-rewrite.ts'
import { diffRecordings } from './recordings-diff.ts'
import {
  countPlain,
  type RecordingsRun,
  createRun,
  findStrayCredential,
  warnOfProblems,
} from './recordings-run.ts'
import { countFormat, describeFormats } from '../recordings/load-recordings.ts'
import { createRedactor } from '../recordings/redact-interaction.ts'
import { decodedInteraction, summarizeInteraction } from '../recordings/recording-summary.ts'
import { countOf } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { lintInteraction } from '../recordings/lint-interaction.ts'
import { describeProblem, type RecordingProblem } from '../recordings/recording-problem.ts'
import type { Interaction } from '../recordings/interaction.ts'
import { serializeInteraction } from '../recordings/yaml-format.ts'
import { utf8Text } from '../recordings/yaml-scalar.ts'
import { statSync } from 'node:fs'
import { findRoute } from '../wire/route.ts'

/** Prints one line for each interaction. */
function listRecordings(run: RecordingsRun, paths: readonly string[]): void {
  const rows: unknown[] = []
  const redactor = createRedactor(run.settings('redact'))
  const problems = run.scan(run.filesOf(paths), (interaction, file, { line }) => {
    const place = `${run.shown(file)}:${line}`
    const { request } = interaction
    const summary = summarizeInteraction({
      ...interaction,
      request: { ...request, uri: redactor.uri(request.uri) },
    })
    if (run.isJson) {
      rows.push({ place, ...summary })
      return
    }
    const { method, path, status, events, bytes, durationMs, usage } = summary
    const body = events === undefined ? `${bytes} bytes` : `${events} events`
    const time = durationMs === undefined ? '' : `, ${Math.round(durationMs)} ms`
    const tokens = usage === undefined ? '' : `, ${usage.promptTokens} + ${usage.completionTokens} tokens`
    run.print(`${place}  ${method} ${path}  ${status}  ${body}${time}${tokens}`)
  })
  run.printJson(rows)
  warnOfProblems(run, problems)
}

interface Options {
  readonly json?: true
  readonly dryRun?: true
  readonly all?: true
}

/** Name of a command argument and its description. */
type Argument = readonly [name: string, meaning: string]

const paths: Argument = ['[paths...]', 'files or folders (default: RECORDING_DIR)']
const locations: Argument = [
  '<locations...>',
  'file.yaml:line for one interaction, file.yaml for all in a file',
]
const sides: readonly Argument[] = [
  ['<left>', 'a file or a folder'],
  ['<right>', 'a file or a folder to compare with'],
]

const conversion: readonly Argument[] = [
  ['<from>', 'a file or a folder, of any supported format'],
  ['<to-folder>', 'the folder for the YAML files; existing files are not overwritten'],
]

/** Adds `recordings` and its subcommands. They work on files and need no running simulator. */
export function addRecordingsCommand(program: Command, host: CliHost): void {
  const recordings = program
    .command('recordings')
    .description('Work with recording files: list, show, lint, diff, convert, dedupe, scrub, stats.')
    .showHelpAfterError('Run aoai-sim recordings --help for all commands.')

  const add = (
    name: string,
    takes: readonly Argument[],
    description: string,
    action: (run: RecordingsRun, paths: readonly string[], options: Options) => void,
  ): Command => {
    const command = recordings
      .command(name)
      .description(description)
      .option('--json', 'print JSON instead of text')
    for (const [argument, meaning] of takes) command.argument(argument, meaning)
    return command.action(() => {
      const options = command.opts<Options>()
      action(createRun(host, options.json === true), command.args, options)
    })
  }

  add('list', [paths], 'List interactions, one line each.', listRecordings)
  add('show', [locations], 'Print interactions in full.', showRecordings)
  add('lint', [paths], 'Report invalid interactions (exit code 1) and likely mistakes.', lintRecordings)
  add('diff', sides, 'Compare two files or folders (exit code 1 if they differ).', (run, args) =>
    diffRecordings(run, args[0] ?? '', args[1] ?? ''),
  )
  add('convert', conversion, 'Write recordings of other tools as YAML of this simulator.', (run, args) =>
    convertRecordings(run, args[0] ?? '', args[1] ?? ''),
  )
  add('dedupe', [paths], 'Remove repeated answers that do not affect replay.', (run, args, options) =>
    dedupeRecordings(run, args, { dryRun: options.dryRun === true, all: options.all === true }),
  )
    .option('--dry-run', 'show what would be removed, without changes')
    .option('--all', 'remove every repeated answer, even if the order of replay changes')
  add(
    'scrub',
    [paths],
    'Remove credentials and the items in RECORDING_REDACT from files.',
    (run, args, options) => scrubRecordings(run, args, { dryRun: options.dryRun === true }),
  ).option('--dry-run', 'show what would be removed, without changes')
  add('stats', [paths], 'Show numbers of interactions, sizes, durations and tokens.', recordingStats)
}

const strayWarning = (where: string) => ({
  rule: 'credential-outside',
  reason: `a credential is outside of the interactions, for example in a comment: ${where}`,
  fix: 'Remove it by hand.',
})

const notRecording = (content: string) => ({
  rule: 'not-a-recording',
  reason: `the file is not a recording (got ${content})`,
  fix: 'Nothing is replayed from it.',
})

const parseWarningFix = 'It is not replayed and not searched for credentials: write it without that.'

/**
 * Prints errors and warnings, each with file, line and fix.
 *
 * @throws {OperatorError} RECORDINGS_INVALID if there are errors or no interactions; warnings alone are not a failure
 */
function lintRecordings(run: RecordingsRun, paths: readonly string[]): void {
  const files = run.filesOf(paths)
  const warnings: { file: string; line: number; rule: string; reason: string; fix: string }[] = []
  const formats = new Map<string, number>()
  let interactions = 0
  const unclear: RecordingProblem[] = []
  const unread = run.scan(
    files,
    (interaction, file, { line, parseWarnings }) => {
      interactions++
      for (const warning of parseWarnings)
        unclear.push({ file: run.shown(file), ...warning, fix: parseWarningFix })
      for (const warning of lintInteraction(interaction)) {
        warnings.push({ file: run.shown(file), line, ...warning })
      }
    },
    (file, scan) => {
      countFormat(formats, scan)
      if (scan.otherContent !== undefined)
        warnings.push({ file: run.shown(file), line: 1, ...notRecording(scan.otherContent) })
    },
  )
  const errors = [...unread, ...unclear]
  const reported = new Set(errors.map(({ file }) => file))
  for (const { file, rule } of warnings) if (rule.startsWith('credential')) reported.add(file)
  for (const file of files) {
    const name = run.shown(file)
    if (reported.has(name)) continue
    const stray = findStrayCredential(file)
    if (stray) warnings.push({ file: name, line: stray.line, ...strayWarning(stray.where) })
  }
  for (const error of errors) run.print(`error    ${describeProblem(error)}`)
  for (const warning of warnings) run.print(`warning  ${describeProblem(warning)} (${warning.rule})`)
  run.print(
    `${countPlain(files.length, 'file')}, ${countPlain(interactions, 'interaction')} that can be replayed, ${countPlain(errors.length, 'error')}, ${countPlain(warnings.length, 'warning')}.`,
  )
  if (formats.size > 0) run.print(`Formats: ${describeFormats(formats)}.`)
  run.printJson({ files: files.length, formats: Object.fromEntries(formats), interactions, errors, warnings })
  if (interactions === 0 && errors.length === 0) {
    const searched = paths.length === 0 ? run.settings('dir') : paths.join(', ')
    const found = run.extensionsOf(paths) || 'no files'
    throw new OperatorError(
      'RECORDINGS_INVALID',
      `Could not find recordings in ${searched}: it contains no interactions (got ${found}). Give a recording file, or a folder with some (docs/recordings.md lists the formats).`,
    )
  }
  if (errors.length === 0) return
  throw new OperatorError(
    'RECORDINGS_INVALID',
    `Could not read all recordings: ${countOf(errors.length, 'error')}. Fix each error as described above.`,
  )
}

/**
 * Prints interactions in full, with decoded bodies and without credentials.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE if no interaction starts on the given line
 */
function showRecordings(run: RecordingsRun, locations: readonly string[]): void {
  const redactor = createRedactor(run.settings('redact'), { keepHeaders: true })
  const shown: unknown[] = []
  for (const location of locations) {
    const [, path = location, line] = /^(.*?):(\d+)$/.exec(location) ?? []
    const lines: number[] = []
    let found = 0
    const problems = run.scan(run.filesOf([path]), (whole, file, offset) => {
      lines.push(offset.line)
      if (line !== undefined && Number(line) !== offset.line) return
      found++
      const interaction = redactor.interaction(whole)
      if (run.isJson) shown.push({ place: `${run.shown(file)}:${offset.line}`, ...asJson(interaction) })
      else
        run.print(
          `# ${run.shown(file)}:${offset.line}\n${serializeInteraction(decodedInteraction(interaction)).trimEnd()}`,
        )
    })
    warnOfProblems(run, problems)
    if (found > 0) continue
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not show ${location}: no interaction starts there (${lines.length === 0 ? 'the file has no interactions' : `interactions start on lines ${lines.slice(0, 20).join(', ')}`}). Copy a location from the output of aoai-sim recordings list ${path}.`,
    )
  }
  run.printJson(shown)
}

function asJson(interaction: Interaction): object {
  const { request, response, contextValues } = decodedInteraction(interaction)
  return {
    request: { ...request, body: request.body && bodyJson(request.body) },
    response: {
      ...response,
      body:
        response.body.kind === 'events' ? { events: response.body.events } : bodyJson(response.body.bytes),
    },
    contextValues,
  }
}

function bodyJson(bytes: Uint8Array): object {
  const text = utf8Text(bytes)
  return text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text }
}

interface Count {
  interactions: number
  streams: number
  errors: number
  promptTokens: number
  completionTokens: number
  durationsMs: number[]
}

/** Prints counts, sizes, times and tokens, in total and by operation. */
function recordingStats(run: RecordingsRun, paths: readonly string[]): void {
  const files = run.filesOf(paths)
  const counts = new Map<string, Count>()
  const requests = new Set<string>()
  const problems = run.scan(files, (interaction) => {
    const { method, path, status, events, durationMs, usage } = summarizeInteraction(interaction)
    const operation = findRoute(method, path)?.operation ?? 'other'
    const count = counts.get(operation) ?? newCount()
    counts.set(operation, count)
    requests.add(`${method} ${path}`)
    count.interactions++
    if (events !== undefined) count.streams++
    if (status >= 400) count.errors++
    count.promptTokens += usage?.promptTokens ?? 0
    count.completionTokens += usage?.completionTokens ?? 0
    if (durationMs !== undefined) count.durationsMs.push(durationMs)
  })
  const rows = [...counts].map(
    ([operation, { durationsMs, interactions, streams, errors, promptTokens, completionTokens }]) => ({
      operation,
      interactions,
      streams,
      errors,
      promptTokens,
      completionTokens,
      medianMs: quantile(durationsMs, 0.5),
      p95Ms: quantile(durationsMs, 0.95),
    }),
  )
  const total = {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + sizeOf(file), 0),
    interactions: rows.reduce((sum, { interactions }) => sum + interactions, 0),
    paths: requests.size,
    problems: problems.length,
  }
  run.print(
    `${total.interactions} interactions on ${total.paths} paths, in ${total.files} files of ${total.bytes} bytes.`,
  )
  for (const row of rows) {
    const time = row.medianMs === undefined ? 'no times' : `median ${row.medianMs} ms, p95 ${row.p95Ms} ms`
    run.print(
      `  ${row.operation}: ${row.interactions} (${row.streams} streams, ${row.errors} errors), ${row.promptTokens} + ${row.completionTokens} tokens, ${time}`,
    )
  }
  run.printJson({ ...total, operations: rows })
  warnOfProblems(run, problems)
}

function newCount(): Count {
  return { interactions: 0, streams: 0, errors: 0, promptTokens: 0, completionTokens: 0, durationsMs: [] }
}

/** Returns the quantile at `share` (0 to 1), rounded; undefined if there are no values. */
function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  return value === undefined ? undefined : Math.round(value)
}

/** Returns 0 for an invalid link, which the scan has already reported. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}
