import type { Command } from 'commander'
import { loadConfig, loadSettings } from '../config/live-config.ts'
import { composeExtensions } from '../extensions/compose-extensions.ts'
import { loadExtensions } from '../extensions/load-extensions.ts'
import type { LoadedExtension } from '../extensions/loaded-extension.ts'
import { createLogger } from '../lib/logger.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import { type CliHost, configSources } from './cli-host.ts'

/** Adds `extensions`, which loads extensions without starting them and lists their parts. */
export function addExtensionsCommand(program: Command, host: CliHost): void {
  program
    .command('extensions')
    .argument('[paths...]', 'files, folders or packages (default: EXTENSION_PATH)')
    .description(
      'Load extensions without starting them, and list their parts in the order in which they run.',
    )
    .option('--json', 'print JSON instead of text')
    .showHelpAfterError('Run aoai-sim extensions --help for usage.')
    .action(async (paths: string[], { json }: { json?: true }) => {
      await listExtensions(host, paths, json === true)
    })
}

/** @throws {OperatorError} CONFIG_INVALID, or EXTENSION_INVALID for the first extension that prevents a start */
async function listExtensions(host: CliHost, paths: readonly string[], isJson: boolean): Promise<void> {
  const { extensionModules } = await import('../server/start-simulator.ts')
  const sources = configSources(host)
  const used: readonly string[] = paths.length === 0 ? ['EXTENSION_PATH', 'LOG_LEVEL'] : ['LOG_LEVEL']
  const { extensionPath = [], logLevel } = loadSettings(sources, ({ env }) => used.includes(env))
  const extensionHost = {
    /** Read only if an extension uses it while it is loaded. */
    get config() {
      return loadConfig(sources).defaultResource
    },
    clock: createSystemClock(),
    logger: createLogger(logLevel),
  }
  const { list } = composeExtensions(
    await loadExtensions(
      paths.length === 0 ? extensionPath : paths,
      extensionHost,
      host.workingDirectory,
      extensionModules,
    ),
  )
  const text = isJson ? `${JSON.stringify(list.map(describe), null, 2)}\n` : renderList(list)
  host.stdout.write(text)
}

function renderList(list: readonly LoadedExtension[]): string {
  if (list.length === 0) {
    return 'There are no extensions. Set EXTENSION_PATH to files, folders or packages, separated by commas.\n'
  }
  return list.map((loaded, index) => `${index + 1}. ${renderOne(loaded)}`).join('\n')
}

function renderOne(loaded: LoadedExtension): string {
  const { name, hooks, generators, forwarders, limiters, onStart, onClose } = describe(loaded)
  const named = (names: readonly (string | null)[]): string =>
    names.map((found) => found ?? '(no name)').join(', ')
  const rows = [
    ['hooks', named(hooks)],
    ['generators', named(generators)],
    ['forwarders', named(forwarders)],
    ['limiters', named(limiters)],
    ['also has', [onStart && 'onStart', onClose && 'onClose'].filter(Boolean).join(', ')],
  ]
  const lines = rows
    .filter(([, content]) => content !== '')
    .map(([label = '', content = '']) => `   ${label.padEnd(12)}${content}\n`)
  return `${name}  ${loaded.source}\n${lines.join('')}`
}

/** JSON output for one extension; null is a function without a name. */
interface Description {
  readonly name: string
  /** Absolute path. */
  readonly file: string | null
  readonly hooks: readonly (string | null)[]
  readonly generators: readonly (string | null)[]
  readonly forwarders: readonly (string | null)[]
  readonly limiters: readonly string[]
  readonly onStart: boolean
  readonly onClose: boolean
}

function describe({ extension, file }: LoadedExtension): Description {
  const { name, hooks, generators, forwarders, limiters, onStart, onClose } = extension
  return {
    name,
    file: file ?? null,
    hooks: namesOf(hooks),
    generators: namesOf(generators),
    forwarders: namesOf(forwarders),
    limiters: Object.keys(limiters ?? {}),
    onStart: onStart !== undefined,
    onClose: onClose !== undefined,
  }
}

function namesOf(functions: readonly { readonly name: string }[] = []): (string | null)[] {
  return functions.map(({ name }) => (name === '' ? null : name))
}
