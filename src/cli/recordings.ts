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

/** An argument's name as a command takes it, and what it means. */
type Argument = readonly [name: string, meaning: string]

const paths: Argument = ['[paths...]', 'files, or folders with all in them (default: RECORDING_DIR)']
const places: Argument = ['<places...>', 'one interaction as file.yaml:line, or all of a file as file.yaml']
const sides: readonly Argument[] = [
  ['<left>', 'a file or a folder'],
  ['<right>', 'another one'],
]

/** Adds `recordings` with its subcommands, which work on files and need no running simulator. */
export function addRecordingsCommand(program: Command, host: CliHost): void {
  const recordings = program
    .command('recordings')
    .description('Look after recording files: list, show, lint, diff, dedupe, scrub, stats.')
    .showHelpAfterError('Run aoai-sim recordings --help for the list of commands.')

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
  add(
    'lint',
    [paths],
    'Name what cannot be replayed (exit code 1), and what is most likely wrong.',
    lintRecordings,
  )
  add('diff', sides, 'Compare two files or folders (exit code 1 if they differ).', (run, args) =>
    diffRecordings(run, args[0] ?? '', args[1] ?? ''),
  )
  add(
    'dedupe',
    [paths],
    'Remove answers that repeat the one before them and change no replay.',
    (run, args, options) =>
      dedupeRecordings(run, args, { dryRun: options.dryRun === true, all: options.all === true }),
  )
    .option('--dry-run', 'tell what would be removed, and change nothing')
    .option('--all', 'remove every repeated answer, also where the order of replays changes')
  add(
    'scrub',
    [paths],
    'Remove credentials, and what RECORDING_REDACT names, from files.',
    (run, args, options) => scrubRecordings(run, args, { dryRun: options.dryRun === true }),
  ).option('--dry-run', 'tell what would be removed, and change nothing')
  add('stats', [paths], 'Count interactions, sizes, times and tokens.', recordingStats)
}
