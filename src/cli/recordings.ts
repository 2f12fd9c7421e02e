import type { Command } from 'commander'
import type { CliHost } from './cli-host.ts'
import { dedupeRecordings } from './recordings-dedupe.ts'
import { diffRecordings } from './recordings-diff.ts'
import { lintRecordings } from './recordings-lint.ts'
import { type RecordingsRun, createRun } from './recordings-run.ts'
import { scrubRecordings } from './recordings-scrub.ts'
import { showRecordings } from './recordings-show.ts'
import { recordingStats } from './recordings-stats.ts'
import { createRedactor } from '../recordings/redact-interaction.ts'
import { summarise } from '../recordings/recording-summary.ts'
import { tellProblems } from './recordings-problems.ts'

/** Prints one line for each interaction. */
function listRecordings(run: RecordingsRun, paths: readonly string[]): void {
  const rows: unknown[] = []
  const redactor = createRedactor(run.settings('redact'))
  const problems = run.scan(run.filesOf(paths), (interaction, file, { line }) => {
    const place = `${run.shown(file)}:${line}`
    const { request } = interaction
    const summary = summarise({ ...interaction, request: { ...request, uri: redactor.uri(request.uri) } })
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
  tellProblems(run, problems)
}

interface Options {
  readonly json?: true
  readonly dryRun?: true
  readonly all?: true
}

/** Name of a command argument and its description. */
type Argument = readonly [name: string, meaning: string]

const paths: Argument = ['[paths...]', 'files or folders (default: RECORDING_DIR)']
const places: Argument = ['<places...>', 'file.yaml:line for one interaction, file.yaml for all in a file']
const sides: readonly Argument[] = [
  ['<left>', 'a file or a folder'],
  ['<right>', 'a file or a folder to compare with'],
]

/** Adds `recordings` and its subcommands. They work on files and need no running simulator. */
export function addRecordingsCommand(program: Command, host: CliHost): void {
  const recordings = program
    .command('recordings')
    .description('Work with recording files: list, show, lint, diff, dedupe, scrub, stats.')
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
  add('show', [places], 'Print interactions in full.', showRecordings)
  add('lint', [paths], 'Report invalid interactions (exit code 1) and likely mistakes.', lintRecordings)
  add('diff', sides, 'Compare two files or folders (exit code 1 if they differ).', (run, args) =>
    diffRecordings(run, args[0] ?? '', args[1] ?? ''),
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
