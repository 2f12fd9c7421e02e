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

/** Files directly in src/. They may import from every folder, because they only re-export. */
export const entryFiles = ['index.ts', 'extension.ts']

/** Where each package of package.json may be imported: its home. The build packs the data of js-tiktoken. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  hono: ['server'],
  '@hono/node-server': ['server'],
  chokidar: ['server'],
  zod: ['config', 'server'],
  'prom-client': ['metrics'],
  yaml: ['recordings', 'config'],
  'js-tiktoken': ['tokens'],
  commander: ['cli'],
  'node-forge': ['server'],
  seedrandom: ['lib'],
  pino: ['lib'],
  jiti: ['extensions'],
  jose: ['access'],
  '@azure/identity': ['upstream'],
  '@azure/storage-blob': ['shared'],
  '@redis/client': ['shared'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-metrics': ['telemetry'],
  '@opentelemetry/sdk-trace-base': ['telemetry'],
  '@opentelemetry/exporter-metrics-otlp-proto': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['telemetry'],
  '@breezystack/lamejs': ['generate'],
  '@eslint-community/regexpp': ['generate'],
}

const socketModules = new Set(['node:http', 'node:https', 'node:http2', 'node:net'])
/** Clients that need what fetch does not have: upstream its own timeouts and pool, load connections that open before their requests. */
const socketClientFolders = new Set(['upstream', 'load'])
const socketTypeFolders = ['pipeline']
const namelessFiles = ['utils', 'helpers', 'types', 'misc']

const order = layers.map((row) => (row.length === 1 ? row[0] : `{${row.join(', ')}}`)).join(' <- ')
const rowOf = (folder: string) => layers.findIndex((row) => row.includes(folder))
const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '')

/** A file of so many lines is worth opening for itself, whoever imports it. */
const worthOpening = 60

/**
 * Files that a single file of the same folder imports, and that are short, each with its reason to be alone: who reads its importer has
 * to open it as well.
 */
const reasonsToBeAlone: Readonly<Record<string, string>> = {
  'recordings/formats/langchain.ts': 'each recording format has its own file',
  'recordings/formats/test-agent.ts': 'each recording format has its own file',
  'recordings/formats/test-proxy.ts': 'each recording format has its own file',
  'shared/redis/open-client.ts': 'redis-connection.ts would be over 400 lines with it',
}

/** What the rule for short files looks at; `file` and the names in `importers` are relative to src/. */
export interface PlacedFile {
  readonly file: string
  readonly lines: number
  /** The files of src/ that import it, tests left out. */
  readonly importers: readonly string[]
}

/** Says which short files have no reason to be alone, and which reasons are about no such file any more. */
export function lonelyProblems(
  files: readonly PlacedFile[],
  reasons: Readonly<Record<string, string>> = reasonsToBeAlone,
): string[] {
  const lonely = new Map(files.filter(isLonely).map(({ file, importers }) => [file, importers[0] ?? '']))
  const unreasoned = [...lonely]
    .filter(([file]) => !reasons[file])
    .map(
      ([file, importer]) =>
        `src/${file} has fewer than ${worthOpening} lines, and only src/${importer} imports it. Move its code there, or give its reason in reasonsToBeAlone (tests/support/architecture-rules.ts).`,
    )
  const stale = Object.keys(reasons)
    .filter((file) => !lonely.has(file))
    .map(
      (file) =>
        `src/${file} is gone, longer, or has other importers. Remove its reason from reasonsToBeAlone (tests/support/architecture-rules.ts).`,
    )
  return [...unreasoned, ...stale]
}

function isLonely({ file, lines, importers }: PlacedFile): boolean {
  const [importer] = importers
  return (
    importers.length === 1 &&
    importer !== undefined &&
    lines < worthOpening &&
    !entryFiles.includes(file) &&
    posix.dirname(importer) === posix.dirname(file)
  )
}

/** The file that uses what Node does not document. */
const nodeInternalsFile = 'server/node-internals.ts'

const nodeInternals: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(?:\.|\[['"`]|\{\s*|['"`])_[a-z]\w*/, "a property of Node's own"],
  [
    /\bresetAndClosing\b|\bchunkedEncoding\b|\bdestroySoon =|\bshouldUpgradeCallback\b/,
    "a property of Node's own",
  ],
  [/\bsocket[?!]?\.write\(/, 'bytes of an answer past Node'],
  [/toString\(16\)\}\\r\\n/, 'the frame of a chunk'],
  [/\.emit\('(?:connection|drain|close|finish|socket)'/, "an event of Node's own"],
]
/** There is no HTTP server of Node's elsewhere. */
const nodeServerFolders = new Set(['server', 'pipeline'])

/** Says what a file uses of the inside of Node's HTTP server, which one file does alone. `file` is relative to src/. */
export function internalsProblem(file: string, source: string): string | undefined {
  if (file === nodeInternalsFile || !nodeServerFolders.has(folderOf(file))) return undefined
  const found = nodeInternals.find(([pattern]) => pattern.test(source))
  return (
    found &&
    `src/${file} uses ${found[1]} (${found[0].exec(source)?.[0].trim()}). Move that into src/${nodeInternalsFile}, with a case in its test: another Node may not have it.`
  )
}

/** The files that return a value or a promise of it (`MaybePromise`, `ReplyOrPromise`), by reason. */
const givingAtOnceOrLater: Readonly<Record<string, readonly string[]>> = {
  'the type itself': ['lib/port.ts'],
  'the chain: a stage, or what calls stages': [
    'pipeline/stage.ts',
    'pipeline/stage.ts',
    'pipeline/trace.ts',
    'access/access.ts',
    'access/token-judge.ts',
    'access/find-deployment.ts',
    'limits/admit.ts',
    'latency/add-latency.ts',
    'faults/faults.ts',
    'extensions/guard-parts.ts',
    'extensions/guard-parts.ts',
    'server/data-plane.ts',
  ],
  'the end of the chain: a source that waits for some requests only': [
    'generate/generate-mode.ts',
    'generate/chat.ts',
    'generate/messages/create-message.ts',
    'generate/completions.ts',
    'generate/embeddings.ts',
    'generate/count-ahead.ts',
    'generate/audio/generate-transcript.ts',
    'generate/responses/compact-conversation.ts',
    'generate/responses/create-response.ts',
    'generate/responses/resolve-input.ts',
    'generate/responses/manage-responses.ts',
  ],
  'a port, or what shares its state': [
    'limits/rate-limiter.ts',
    'latency/concurrency-limiter.ts',
    'latency/deployment-slots.ts',
    'journal/journal-sink.ts',
    'recordings/replay-cursors.ts',
    'generate/responses/response-archive.ts',
    'shared/redis/redis-limits.ts',
    'shared/redis/redis-slots.ts',
    'shared/redis/redis-cursors.ts',
    'server/workers/worker-messages.ts',
  ],
  'what users of the library write': ['pipeline/extension.ts'],
}
/** Those that users read spell it out. */
const spelledOut = new Set(['lib/port.ts', 'pipeline/extension.ts'])

/** Lists the files that return a value or a promise without a reason, and the reasons that apply to no file. */
export function promiseProblems(
  files: readonly { readonly file: string; readonly code: string }[],
  reasons: Readonly<Record<string, readonly string[]>> = givingAtOnceOrLater,
): string[] {
  const listed = new Set(Object.values(reasons).flat())
  const spelling = files.filter(({ file, code }) => spellsPromise.test(code) && !spelledOut.has(file))
  const naming = new Set(
    files.filter(({ code }) => namesPromise.test(code) || spellsPromise.test(code)).map(({ file }) => file),
  )
  return [
    ...spelling.map(
      ({ file }) => `src/${file} spells out T | Promise<T>. Write MaybePromise<T> (src/lib/port.ts).`,
    ),
    ...[...naming]
      .filter((file) => !listed.has(file))
      .map(
        (file) =>
          `src/${file} returns a value or a promise of it. Return always one of them: only the chain and the ports of shared state may do both (tests/support/architecture-rules.ts).`,
      ),
    ...[...listed]
      .filter((file) => !naming.has(file))
      .map(
        (file) =>
          `src/${file} does not exist, or never returns a value or a promise of it. Remove it from givingAtOnceOrLater (tests/support/architecture-rules.ts).`,
      ),
  ]
}
const namesPromise = /\b(?:MaybePromise|ReplyOrPromise)\b/
const spellsPromise = /\|\s*Promise<|\bPromise<[^;=(){}]*>\s*\|\s*(?!undefined\b|null\b|\|)\w/

/** The files that may name paths of the data plane, each with what it does with them. */
const pathFiles: Readonly<Record<string, string>> = {
  'wire/route.ts': 'reads them: the one router of the data plane',
  'cli/import-proxy-env.ts': 'the text of a message',
  'cli/import-aoai-proxy.ts': 'reads them in the settings of another proxy',
  'server/listen.ts': 'the hot door in front of Hono, for what nearly all requests of a load test are',
  'wire/access-errors.ts': 'the text of a message',
  'wire/validation/model-rules.ts': 'the text of a message',
  'cli/banner.ts': 'writes the address of an example',
  'load/load-request.ts': 'writes the addresses that it asks',
  'config/recording-settings.ts': 'the text of a description',
  'config/upstream-settings.ts': 'the text of a description',
  'config/upstreams.ts': 'the paths of addresses of services',
  'recordings/formats/guess-path.ts': 'the paths of recorded bodies without an address',
  'config/telemetry-settings.ts': 'the paths of an OpenTelemetry collector',
  'server/twin/about-routes.ts': 'the text of descriptions',
  'upstream/upstream-request.ts': 'writes the paths that upstreams have',
  'upstream/upstream-target.ts': 'removes the prefix of an API from the address of an upstream',
}
const dataPlanePath = /\/\(?(?:\?[:=!])?(?:openai|v1|anthropic)(?![\w.-])/i

/**
 * Says where paths of the data plane are named apart from the router and the hot door: who tests one is a further router.
 *
 * @param literals the strings, templates and regular expressions of a file, with their quotes or slashes
 */
export function pathProblems(
  files: readonly { readonly file: string; readonly literals: readonly string[] }[],
  reasons: Readonly<Record<string, string>> = pathFiles,
): string[] {
  const naming = new Map<string, string>()
  for (const { file, literals } of files) {
    const found = literals.find((literal) => isPathLiteral(literal))
    if (found !== undefined) naming.set(file, found)
  }
  return [
    ...[...naming]
      .filter(([file]) => !reasons[file])
      .map(
        ([file, found]) =>
          `src/${file} names a path of the data plane (${found}). src/wire/route.ts tells what a path means: ask it, or give the reason in pathFiles (tests/support/architecture-rules.ts).`,
      ),
    ...Object.keys(reasons)
      .filter((file) => !naming.has(file))
      .map(
        (file) =>
          `src/${file} is gone, or names no path of the data plane. Remove its reason from pathFiles (tests/support/architecture-rules.ts).`,
      ),
  ]
}

/** A module's specifier may have a folder of that name in it. */
function isPathLiteral(literal: string): boolean {
  return dataPlanePath.test(literal.replaceAll('\\/', '/')) && !/^'\.{1,2}\/.*\.ts'$/.test(literal)
}

const asciiFile = 'answer/body.ts'
const asciiKnowledge =
  /\b(?:asciiRender|piecesRender)\b|\bbyteLength\([\w.]+\) [!=]== [\w.]+\.length\b|\.length [!=]== Buffer\.byteLength\(/

/** Says what a file of the way of an answer knows of ASCII bodies, which the file of the bodies knows alone. */
export function asciiProblem(file: string, code: string): string | undefined {
  const found = file === asciiFile ? undefined : asciiKnowledge.exec(code)?.[0]
  return (
    found &&
    `src/${file} judges itself whether a text is ASCII (${found}). Ask src/${asciiFile}: renderedBody, renderedEvents, isAsciiText, wireEncoding.`
  )
}

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
    return `src/${file}: only ${entryFiles.join(' and ')} belong directly into src/. Move it into a folder.`
  }
  if (rowOf(folderOf(file)) < 0) {
    return `src/${file}: ${folderOf(file)} has no place in the order (${order}). Add it to tests/support/architecture-rules.ts.`
  }
  if (!name.endsWith('.ts'))
    return `src/${file}: the build bundles only .ts files into dist/. Make the data a module.`
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
