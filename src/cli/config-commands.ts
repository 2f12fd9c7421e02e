import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { configFileSchema } from '../config/config-file-schema.ts'
import { reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { CliHost } from './cli-host.ts'

/** Adds `init`, which writes a configuration file, and `schema`, which prints the JSON Schema of the file. */
export function addConfigCommands(program: Command, host: CliHost): void {
  program
    .command('init')
    .argument('[file]', 'path of the file', 'aoai-sim.yaml')
    .description('Write a commented configuration file for --config (docs/config.md).')
    .option('--force', 'replace an existing file')
    .showHelpAfterError('Run aoai-sim init --help for usage.')
    .allowExcessArguments(false)
    .action((file: string, { force }: { force?: true }) => writeConfigFile(host, file, force === true))
  program
    .command('schema')
    .description('Print the JSON Schema of the configuration file, for editors and checks.')
    .showHelpAfterError('Run aoai-sim schema --help for usage.')
    .allowExcessArguments(false)
    .action(() => {
      host.stdout.write(renderSchema())
    })
}

/** Returns the JSON Schema of the configuration file as the text of the published file. */
export function renderSchema(): string {
  return `${JSON.stringify(configFileSchema(), null, 2)}\n`
}

/** @throws {OperatorError} CONFIG_INVALID if the file exists and is not replaced, or cannot be written */
function writeConfigFile({ workingDirectory, stdout }: CliHost, file: string, isForced: boolean): void {
  const path = resolve(workingDirectory, file)
  const shown = JSON.stringify(file)
  if (!/\.ya?ml$/i.test(file))
    throw invalid(`the file is YAML, and its name must end with .yaml or .yml (got ${shown}). Rename it.`)
  try {
    writeFileSync(path, renderConfigFile(file, schemaPath(dirname(path))), { flag: isForced ? 'w' : 'wx' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw invalid(`${shown} exists. Choose another name, or replace it with --force.`)
    throw invalid(`${shown} cannot be written: ${reasonOf(error)}. Choose another path.`)
  }
  stdout.write(`Wrote ${file}.\n\nStart the simulator with it:\n\n  aoai-sim --config ${quoted(file)}\n`)
}

function invalid(reason: string): OperatorError {
  return new OperatorError('CONFIG_INVALID', `Could not write the configuration file: ${reason}`)
}

const schemaFile = 'aoai-sim.schema.json'

/** Returns the path of the schema from a folder: that of an installed package, or of a file in the folder. */
function schemaPath(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const installed = join(at, 'node_modules/aoai-simulated-api/schema', schemaFile)
    if (existsSync(installed)) return relativePath(folder, installed)
    if (dirname(at) === at) return `./${schemaFile}`
  }
}

function relativePath(folder: string, path: string): string {
  const found = relative(folder, path).replaceAll('\\', '/')
  return found.startsWith('.') ? found : `./${found}`
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`
}

/**
 * Returns the text of a configuration file that starts as it is. A value that is commented out has no space after the `#`.
 *
 * @param file its name, for the comments
 * @param schema path of its JSON Schema
 */
export function renderConfigFile(file: string, schema: string): string {
  return `# yaml-language-server: $schema=${schema}
# Configuration of aoai-simulated-api (docs/config.md). Start with: aoai-sim --config ${quoted(file)}
# Editors complete the file with the schema, which this command writes: aoai-sim schema > ${schemaFile}
# A line that begins with # and no space is an example: remove the # to use it.
# Any value can come from a variable: { env: NAME }.

# Settings. Flags, variables and .env override them.
settings:
  region: East US 2
  # Source of answers: generate, replay, record or forward.
  simulator_mode: generate
  # Key of clients. Without it, each start makes a new one.
  #api_key: { env: SIMULATOR_API_KEY }
  # Key of the admin API under /++/. Default: the key of clients.
  #admin_api_key: { env: ADMIN_API_KEY }
  latency:
    # 0 turns latency off.
    time_scale: 1
    # Latency of the models of the service.
    #profile: auto
  # Whether requests to unknown deployments are answered.
  #allow_undefined_openai_deployments: false
  # The settings below need a restart.
  #port: 8000
  #host: 0.0.0.0
  #workers: auto
  #journal_size: 1000
  #watch: true

# Real services, for requests that are forwarded or recorded.
upstreams:
  #default:
    #endpoint: https://my-resource.openai.azure.com
    #key: { env: AZURE_OPENAI_KEY }
  #east:
    #endpoint: https://my-east.openai.azure.com
    #key: { env: EAST_KEY }
    #retries: 1
  #foundry:
    #endpoint: https://my-foundry.services.ai.azure.com
    #credential: entra

# Deployments of the default resource by name.
deployments:
  gpt-5-mini:
    model: gpt-5-mini
    tokens_per_minute: 60000
    # Default: derived from tokens_per_minute.
    #requests_per_minute: 60
  gpt-5-ptu:
    model: gpt-5
    provisioned_throughput_units: 50
    spillover_to: gpt-5-mini
    #latency: { profile: gpt-5, concurrency: { slots: 16 } }
    #faults: [{ probability: 0.01, fault: capacity429 }]
  text-embedding-3-small:
    model: text-embedding-3-small
    tokens_per_minute: 120000
  # Forwarded to the upstream east, to its deployment gpt-4o-prod.
  #gpt-4o: { upstream: east/gpt-4o-prod }
  # Replayed, else forwarded and recorded.
  #ci: { model: gpt-4o, upstream: east, source: replay, on_miss: record }

# Further resources with own keys, deployments and limits. Their name is the path prefix, such as /west.
resources:
  #west:
    #region: West US
    #keys: [{ env: WEST_KEY, label: load test }]
    #upstream: east
    #deployments:
      #gpt-5-mini: { model: gpt-5-mini, tokens_per_minute: 30000 }

# Faults for all deployments of the default resource (docs/faults.md).
faults:
  #- { probability: 0.01, fault: serverError }
  #- { probability: 0.05, fault: { kind: error, error: capacity429, retry_after_seconds: 5 }, deployment: gpt-5-mini }

# A timetable of incidents, which begins at start (docs/incidents.md).
incidents:
  #start_after: 10m
  #phases:
    #- { name: slow, minutes: 5, latency: { first_token_factor: 4 } }
    #- { name: down, minutes: 1, faults: [{ probability: 1, fault: overloaded503 }] }
`
}
