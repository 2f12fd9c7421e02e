import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { listProblems, reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { readRegularText } from '../lib/regular-file.ts'
import type { CliHost } from './cli-host.ts'
import { importAoaiProxy } from './import-aoai-proxy.ts'
import type { Imported } from './import-draft.ts'
import { importProxyEnv } from './import-proxy-env.ts'

/** Adds `import`, which prints a configuration file made of the settings of another proxy. */
export function addImportCommand(program: Command, host: CliHost): void {
  const parent = program
    .command('import')
    .description('Print a configuration file made of the settings of another proxy (docs/from-proxies.md).')
    .showHelpAfterError('Run aoai-sim import --help for usage.')
    .addHelpText(
      'after',
      '\nStandard output is the file, with { env: NAME } for keys. Standard error says which variables to set and what is not carried over.',
    )
  const add = (name: string, file: string, convert: (text: string) => Imported): void => {
    parent
      .command(name)
      .argument('<file>', `${file}; - reads standard input`)
      .description(`Convert ${file}.`)
      .showHelpAfterError(`Run aoai-sim import ${name} --help for usage.`)
      .allowExcessArguments(false)
      .action((path: string) => printImport(host, name, path, convert))
  }
  add('proxy-env', 'the environment file of azure-oai-proxy or azure-oai-proxy-ts', importProxyEnv)
  add('aoai-proxy', 'the config.json of AOAI-Proxy', importAoaiProxy)
}

/** @throws {OperatorError} CONFIG_INVALID if the file cannot be read or converted */
function printImport(host: CliHost, name: string, path: string, convert: (text: string) => Imported): void {
  const { draft, problems } = convert(readSource(host, path))
  if (problems.length > 0)
    throw new OperatorError(
      'CONFIG_INVALID',
      `Could not convert ${JSON.stringify(path)}:\n${listProblems(problems)
        .map((problem) => `  - ${draft.oneLine(problem)}`)
        .join('\n')}`,
    )
  host.stdout.write(draft.render(`aoai-sim import ${name} ${path}`))
  host.stderr.write(draft.remarks())
}

function readSource({ workingDirectory, readStandardInput = readDescriptor }: CliHost, path: string): string {
  try {
    return path === '-' ? readStandardInput() : readRegularText(resolve(workingDirectory, path))
  } catch (error) {
    const what = path === '-' ? 'standard input' : JSON.stringify(path)
    throw new OperatorError(
      'CONFIG_INVALID',
      `Could not read ${what}: ${reasonOf(error)}. Give the path of the settings of the other proxy.`,
    )
  }
}

const STANDARD_INPUT = 0

function readDescriptor(): string {
  // Not process.stdin, which would make a pipe non-blocking: reading it then fails before its writer has written.
  return readFileSync(STANDARD_INPUT, 'utf8')
}
