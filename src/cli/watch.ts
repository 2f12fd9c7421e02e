import type { Command } from 'commander'
import { logLine, renderLine, renderScreen, type ScreenSize, type WatchFacts } from './watch-screen.ts'
import { type CliHost, configuredKey, parseSeconds, parseUrl } from './cli-host.ts'
import { type Terminal, terminalOf } from './live-line.ts'
import { printable } from '../lib/format-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { detectTerminal } from '../lib/terminal.ts'
import type { LiveStats } from '../server/admin/live-stats.ts'
import { followEvents, type WatchEvent } from './watch-events.ts'
import { applyStats, onlyDeployment, type WatchedState, withRatesSince } from './watch-state.ts'

interface Flags {
  readonly url: URL
  readonly apiKey?: string
  readonly adminApiKey?: string
  readonly resource?: string
  readonly deployment?: string
  /** Seconds. */
  readonly interval: number
  readonly once?: true
  readonly json?: true
}

const intervalSeconds = { min: 1, max: 3_600 }

/** Adds the command `watch`, which shows the figures of a running simulator. */
export function addWatchCommand(program: Command, host: CliHost): void {
  program
    .command('watch')
    .description('Show the figures of a running simulator live (docs/monitoring.md).')
    .showHelpAfterError('Run aoai-sim watch --help for the list of flags.')
    .option('--url <url>', 'address of the simulator', parseUrl, new URL('http://127.0.0.1:8000'))
    .option(
      '--api-key <key>',
      'key of the simulator (default: SIMULATOR_API_KEY; flags are visible to other users)',
    )
    .option('--admin-api-key <key>', 'admin key, if it differs (default: ADMIN_API_KEY)')
    .option('--resource <name>', 'only this resource, such as default (default: all)')
    .option('--deployment <name>', 'only deployments with this name (default: all)')
    .option(
      '--interval <time>',
      'time between two readings, for example 5s or 1m',
      parseSeconds(intervalSeconds),
      1,
    )
    .option('--once', 'print one reading, with the rates of one interval, and end')
    .option('--json', 'print each reading as one line of JSON')
    .allowExcessArguments(false)
    .action((_flags: Flags, command: Command) => watch(host, command.optsWithGlobals<Flags>()))
}

/**
 * Shows figures until a signal arrives: in a terminal a screen that is redrawn, else one line for each reading.
 *
 * @throws {OperatorError} CONFIG_INVALID without a valid key or for an unknown resource, SIMULATOR_UNAVAILABLE if the simulator does not
 * answer
 */
async function watch(host: CliHost, flags: Flags): Promise<void> {
  const apiKey =
    flags.adminApiKey ?? flags.apiKey ?? configuredKey(host, 'ADMIN_API_KEY') ?? configuredKey(host)
  if (apiKey === undefined) {
    throw new OperatorError(
      'CONFIG_INVALID',
      'Could not watch the simulator: there is no key. Set SIMULATOR_API_KEY or --api-key to the key of the simulator, or ADMIN_API_KEY if it has a separate admin key.',
    )
  }
  const { url, resource, interval, once } = flags
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  host.signals.on('SIGINT', stop)
  host.signals.on('SIGTERM', stop)
  const view = viewOf(host, flags)
  try {
    const readings = new Readings(interval * 1_000, flags.deployment)
    for await (const event of followEvents({ url, apiKey, resource, signal: abort.signal })) {
      if (event.kind === 'event' && event.name === 'stats') {
        const state = readings.next(event.data as LiveStats)
        if (!state) continue
        view.show(state)
        if (once) return
      } else view.note(event)
    }
  } finally {
    abort.abort()
    host.signals.off('SIGINT', stop)
    host.signals.off('SIGTERM', stop)
    view.end()
  }
}

/** Chooses the events that are shown: one for each interval. The first one has no rates yet. */
class Readings {
  readonly #intervalMs: number
  readonly #deployment: string | undefined
  #state: WatchedState | undefined
  #shown: WatchedState | undefined

  constructor(intervalMs: number, deployment: string | undefined) {
    this.#intervalMs = intervalMs
    this.#deployment = deployment
  }

  /** Returns the next state to show; undefined if the interval is not over. */
  next(event: LiveStats): WatchedState | undefined {
    if (event.full) this.#shown = undefined
    this.#state = applyStats(this.#state, event)
    const state = this.#deployment === undefined ? this.#state : onlyDeployment(this.#state, this.#deployment)
    const before = this.#shown
    this.#shown ??= state
    if (!before) return undefined
    // Half a second less, because readings are not exactly a second apart.
    if (state.at_ms - before.at_ms < this.#intervalMs - 500) return undefined
    this.#shown = state
    return state.window_ms >= state.at_ms - before.at_ms - 1 ? state : withRatesSince(before, state)
  }
}

/** Shows states and changes of the connection. */
interface View {
  show(state: WatchedState): void
  note(event: WatchEvent): void
  /** Called once, at the end. */
  end(): void
}

function viewOf(host: CliHost, { json, once, url }: Flags): View {
  const terminal = terminalOf(host.stdout)
  if (terminal && !json && !once && host.env['TERM'] !== 'dumb') return new Screen(terminal, host.env, url)
  const facts = (): WatchFacts => ({ url, lost: undefined, log: [] })
  return new Lines(host, (state) => {
    if (json) return [JSON.stringify(state)]
    if (!once) return [renderLine(state)]
    return renderScreen(state, facts(), { columns: columnsOf(terminal), rows: Infinity, hasColor: false })
  })
}

/** Prints readings as lines, and changes of the connection to standard error. */
class Lines implements View {
  readonly #host: CliHost
  readonly #render: (state: WatchedState) => readonly string[]
  #lostMs: number | undefined

  constructor(host: CliHost, render: (state: WatchedState) => readonly string[]) {
    this.#host = host
    this.#render = render
  }

  show(state: WatchedState): void {
    this.#host.stdout.write(`${this.#render(state).join('\n')}\n`)
  }

  note(event: WatchEvent): void {
    if (event.kind === 'lost') {
      this.#lostMs = Date.now()
      this.#host.stderr.write(`The connection is lost: ${printable(event.reason)}. Trying again.\n`)
    } else if (this.#lostMs !== undefined) {
      const seconds = Math.max(1, Math.round((Date.now() - this.#lostMs) / 1_000))
      this.#lostMs = undefined
      this.#host.stderr.write(`Connected again after ${seconds} s.\n`)
    }
  }

  end(): void {}
}

const escape = '\u001b['
/** The alternate screen, which keeps earlier output of the terminal. */
const enterScreen = `${escape}?1049h${escape}?25l`
const leaveScreen = `${escape}?25h${escape}?1049l`
const eraseLine = `${escape}K`
const eraseBelow = `${escape}J`

const MAX_LOG_LINES = 100

/** A screen that is redrawn in place, also when the terminal is resized. */
class Screen implements View {
  readonly #terminal: Terminal
  readonly #url: URL
  readonly #hasColor: boolean
  #state: WatchedState | undefined
  #lost: WatchFacts['lost']
  #log: string[] = []

  constructor(terminal: Terminal, env: CliHost['env'], url: URL) {
    this.#terminal = terminal
    this.#url = url
    this.#hasColor = detectTerminal(terminal, env).hasColor
    terminal.write(`${enterScreen}${escape}HConnecting to ${url.host} ...`)
    terminal.on?.('resize', this.#draw)
  }

  show(state: WatchedState): void {
    this.#state = state
    this.#lost = undefined
    this.#draw()
  }

  note(event: WatchEvent): void {
    if (event.kind === 'lost') this.#lost ??= { reason: event.reason, sinceMs: Date.now() }
    else {
      this.#lost = undefined
      if (event.name !== 'log') return
      this.#log = [...this.#log, logLine(event.data)].slice(-MAX_LOG_LINES)
    }
    this.#draw()
  }

  end(): void {
    this.#terminal.off?.('resize', this.#draw)
    const size: ScreenSize = { columns: columnsOf(this.#terminal), rows: Infinity, hasColor: this.#hasColor }
    const last = this.#state ? renderScreen(this.#state, this.#facts, size) : []
    this.#terminal.write(leaveScreen + last.map((line) => `${line}\n`).join(''))
  }

  get #facts(): WatchFacts {
    return { url: this.#url, lost: this.#lost, log: this.#log }
  }

  readonly #draw = (): void => {
    if (!this.#state) return
    const size = {
      columns: columnsOf(this.#terminal),
      rows: rowsOf(this.#terminal),
      hasColor: this.#hasColor,
    }
    const lines = renderScreen(this.#state, this.#facts, size)
    // One write, and no erased screen in between, so that it does not flicker.
    this.#terminal.write(`${escape}H${lines.join(`${eraseLine}\r\n`)}${eraseLine}${eraseBelow}`)
  }
}

const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24
const MIN_COLUMNS = 20

/** A character in the last column makes some terminals begin a new line. */
function columnsOf(terminal: Terminal | undefined): number {
  return Math.max(MIN_COLUMNS, terminal?.columns || DEFAULT_COLUMNS) - 1
}

function rowsOf(terminal: Terminal): number {
  return terminal.rows || DEFAULT_ROWS
}
