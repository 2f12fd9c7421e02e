import { posix } from 'node:path'
import type { Import } from './import-scanner.ts'

/**
 * The folders of src/, from left to right. A folder imports only from the left; those of one row may import each other's types,
 * which vanish at run time.
 */
export const layers: readonly (readonly string[])[] = [
  ['lib'],
  ['tokens'],
  ['answer'],
  ['wire'],
  ['config'],
  ['pipeline'],
  ['generate', 'recordings', 'upstream'],
  ['access', 'limits', 'latency', 'faults'],
  ['journal', 'metrics', 'telemetry'],
  ['extensions'],
  ['shared'],
  ['server'],
  ['load'],
  ['cli'],
]

/** Files that stand in src/ itself. They may name every folder, because they only re-export. */
export const entryFiles = ['index.ts', 'extension.ts']

/** Where each package of package.json may be imported: its home. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  hono: ['server'],
  '@hono/node-server': ['server'],
  chokidar: ['server'],
  zod: ['config', 'server'],
  'prom-client': ['metrics'],
  yaml: ['recordings', 'config'],
  'js-tiktoken': ['tokens'],
  commander: ['cli'],
  seedrandom: ['lib'],
  pino: ['lib'],
  jiti: ['extensions'],
  redis: ['shared'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-metrics': ['telemetry'],
  '@opentelemetry/sdk-trace-base': ['telemetry'],
  '@opentelemetry/exporter-metrics-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['telemetry'],
  autocannon: ['load'],
  '@breezystack/lamejs': ['generate'],
}

const socketModules = new Set(['node:http', 'node:https', 'node:http2', 'node:net'])
/** The client of real services needs timeouts and a pool of its own, which fetch does not have. */
const socketClientFolders = new Set(['upstream'])
const socketTypeFolders = ['pipeline']
const namelessFiles = ['utils', 'helpers', 'types', 'misc']

const order = layers.map((row) => (row.length === 1 ? row[0] : `{${row.join(', ')}}`)).join(' <- ')
const rowOf = (folder: string) => layers.findIndex((row) => row.includes(folder))
const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '')

/** Says what is wrong with an import; `undefined` when nothing is. `file` is relative to src/, with slashes. */
export function importProblem(file: string, imported: Import): string | undefined {
  const rule = imported.specifier.startsWith('.')
    ? relativeRule(file, imported)
    : file.endsWith('.test.ts')
      ? undefined // Tests beside the code may use what they like to judge it by.
      : packageRule(file, imported)
  return rule && `src/${file} imports '${imported.specifier}': ${rule}`
}

function relativeRule(file: string, { specifier, typeOnly }: Import): string | undefined {
  const target = posix.join(posix.dirname(file), specifier)
  if (target.startsWith('../')) {
    if (file.endsWith('.test.ts') && target.startsWith('../tests/support/')) return undefined
    return 'src/ is complete in itself. Move what is needed into src/, or hand it in as an argument.'
  }
  if (!target.endsWith('.ts')) return 'imports end in .ts, and the build rewrites them.'
  if (entryFiles.includes(file)) return undefined
  const from = folderOf(file)
  const to = folderOf(target)
  if (to === '')
    return 'the package entries re-export the rest, so nothing in src/ imports them. Import the file itself.'
  if (from === to || rowOf(to) < rowOf(from)) return undefined
  if (rowOf(to) === rowOf(from)) {
    if (typeOnly) return undefined
    return `${from} and ${to} import each other's types only (import type). Move what they share to the left (${order}).`
  }
  return `${to} stands to the right of ${from} (${order}). Move the code to the left, or hand it in as an argument.`
}

function packageRule(file: string, { specifier, typeOnly }: Import): string | undefined {
  const folder = folderOf(file)
  if (socketModules.has(specifier)) {
    if (
      folder === 'server' ||
      socketClientFolders.has(folder) ||
      (typeOnly && socketTypeFolders.includes(folder))
    )
      return undefined
    return `sockets are the business of server; ${socketTypeFolders.join(' and ')} may import types of them (import type).`
  }
  if (specifier.startsWith('node:')) return undefined
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const home = homes[name]
  if (!home) {
    return `${name} has no home. Name one in tests/support/architecture-rules.ts and its reason in CONTRIBUTING.md (Node's own modules are written node:${name}).`
  }
  if (home.includes(folder)) return undefined
  return `${name} belongs to ${home.join(' and ')}. Give that folder a function that does what ${folder || 'the entry'} needs.`
}

/** Says what is wrong with where a file stands or what it is called. `file` is relative to src/, with slashes. */
export function nameProblem(file: string): string | undefined {
  const segments = file.split('/')
  const name = segments.at(-1) ?? ''
  const bare = name.replace(/(\.test)?\.ts$/, '')
  if (segments.length === 1) {
    if (entryFiles.includes(file)) return undefined
    return `src/${file}: only ${entryFiles.join(' and ')} stand in src/ itself. Move it into a folder.`
  }
  if (rowOf(folderOf(file)) < 0) {
    return `src/${file}: ${folderOf(file)} has no place in the order (${order}). Add it to tests/support/architecture-rules.ts.`
  }
  if (!name.endsWith('.ts'))
    return `src/${file}: the build copies only .ts files to dist/. Make the data a module.`
  if (bare === 'index')
    return `src/${file}: index.ts is the package entry only. Name the file after what it exports.`
  if (segments.some((segment) => namelessFiles.includes(segment.replace(/(\.test)?\.ts$/, '')))) {
    return `src/${file}: ${namelessFiles.join(', ')} say nothing. Name it after the one thing that it holds.`
  }
  if (![...segments.slice(0, -1), bare].every((segment) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(segment))) {
    return `src/${file}: names are in kebab-case, such as token-window.ts and token-window.test.ts.`
  }
  return undefined
}
