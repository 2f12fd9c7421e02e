import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { settingsTable } from '../../src/config/settings-table.ts'
import { packageFolder } from './built-program.ts'

const variables = new Set(settingsTable().map(({ env }) => env))
const flags = new Set(settingsTable().map(({ flag }) => flag))
/** They have separate flags, which are tested separately. */
const commands = new Set(['load', 'check', 'recordings', 'extensions', 'watch'])
const image = 'aoai-simulated-api'

/** What is wrong with a call that only a stand-in has answered, as far as our own files tell: '' for nothing. */
export function findCallProblem(call: string): string {
  const [program = '', ...args] = call.split(' ')
  if (program === 'aoai-sim') return programProblem(args)
  if (program === 'docker') return dockerProblem(args)
  if (program === 'helm') return helmProblem(args)
  if (program === 'npx' && args[0] === 'tsx') return fileProblem(args[1])
  return ''
}

/** What is wrong with the variables that commands set for the simulator, as far as the settings tell: '' for nothing. */
export function findVariableProblem(text: string): string {
  const joined = text.replaceAll('\\\n', ' ')
  const starts = joined.matchAll(
    /^((?:export )?(?:[A-Z_][A-Z0-9_]*=\S* +)+)(?:make (?:run|dev)|(?:npx )?aoai-sim)\b/gm,
  )
  for (const [, given = ''] of starts) {
    const unknown = [...given.matchAll(/([A-Z_][A-Z0-9_]*)=/g)].find(([, name = '']) => !variables.has(name))
    if (unknown) return `${unknown[1]} is no setting.`
  }
  return ''
}

function programProblem(args: readonly string[]): string {
  if (args[0] !== undefined && commands.has(args[0])) return ''
  const unknown = args.find((arg) => arg.startsWith('--') && !flags.has(arg))
  return unknown ? `${unknown} is no flag of aoai-sim.` : ''
}

function dockerProblem(args: readonly string[]): string {
  if (args[0] === 'compose') {
    return fileProblem(args[args.indexOf('-f') + 1])
  }
  if (args[0] === 'build') {
    const dockerfile = readFileSync(join(packageFolder, 'Dockerfile'), 'utf8')
    const unknown = valuesOf(args, '--build-arg')
      .map(nameOf)
      .find((name) => !new RegExp(`^ARG ${name}\\b`, 'm').test(dockerfile))
    return unknown ? `${unknown} is no argument of the Dockerfile.` : ''
  }
  if (args[0] !== 'run') return ''
  const unknown = valuesOf(args, '--env')
    .map(nameOf)
    .find((name) => !variables.has(name))
  if (unknown) return `${unknown} is no setting.`
  const at = args.indexOf(image)
  return at < 0 ? `It does not run ${image}.` : programProblem(args.slice(at + 1))
}

function fileProblem(file = ''): string {
  return existsSync(join(packageFolder, file)) ? '' : `There is no ${file}.`
}

function helmProblem(args: readonly string[]): string {
  const values: unknown = parse(
    readFileSync(join(packageFolder, 'infra/helm/aoai-simulated-api/values.yaml'), 'utf8'),
  )
  const unknown = valuesOf(args, '--set')
    .map(nameOf)
    .find((path) => !has(values, path.split('.')))
  return unknown ? `${unknown} is no value of the chart.` : ''
}

function has(values: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true
  if (typeof values !== 'object' || values === null || !(key in values)) return false
  return has((values as Record<string, unknown>)[key], rest)
}

function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []))
}

function nameOf(assignment: string): string {
  return assignment.split('=')[0] ?? ''
}
