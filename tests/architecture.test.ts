import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  asciiProblem,
  entryFiles,
  homes,
  importProblem,
  internalsProblem,
  lonelyProblems,
  nameProblem,
  pathProblems,
  promiseProblems,
} from './support/architecture-rules.ts'
import { hasDefaultExport, reExportsOnly, scanSource } from './support/import-scanner.ts'

const longestFile = 400

/** Files that are tables rather than code, and may be as long as their data. */
const dataFiles = new Set(['wire/models/model-catalogue-data.ts'])

const files = readdirSync(new URL('../src', import.meta.url), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const path = `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/')
    const source = readFileSync(path, 'utf8')
    const lines = source.split('\n').length - 1
    return {
      file: path.slice(path.lastIndexOf('/src/') + '/src/'.length),
      lines,
      source,
      scanned: scanSource(source),
    }
  })
const code = files.filter(({ file }) => !file.endsWith('.test.ts'))

describe('src/', () => {
  test('has a place and a telling name for each file', () => {
    expect(files.map(({ file }) => nameProblem(file)).filter(Boolean)).toEqual([])
  })

  test('imports only leftwards, and each package only in its home', () => {
    const problems = files.flatMap(({ file, scanned }) =>
      scanned.imports.map((imported) => importProblem(file, imported)),
    )
    expect(problems.filter(Boolean)).toEqual([])
  })

  test('re-exports only in its entry files', () => {
    const problems = files
      .filter(({ file, scanned }) => entryFiles.includes(file) && !reExportsOnly(scanned))
      .map(
        ({ file }) =>
          `src/${file} does more than re-export. Move its code into a folder and export it from there.`,
      )
    expect(problems).toEqual([])
  })

  test('takes time and timers from where the fake ones of test runners do not reach', () => {
    // Programs and separate processes never run inside a test. The reports are a timer for a log line.
    const ownProcess =
      /^(load|cli|server\/workers|shared\/rpc)\/|^server\/(connection-reports|process-lifecycle)\.ts$|^lib\/real-timers\.ts$/
    const timer = /(?<![\w.])(setTimeout|setInterval|setImmediate|queueMicrotask)\(/
    const reading = /\b(process\.nextTick|Date\.now|performance\.now)\(|from 'node:timers/
    const problems = code
      .filter(({ file }) => !ownProcess.test(file))
      .filter(({ source }) => {
        const found = timer.exec(source)?.[1]
        const isImported = new RegExp(`\\b${found}\\b[^}]*\\} from '[^']*real-timers\\.ts'`).test(source)
        return reading.test(source) || (found !== undefined && !isImported)
      })
      .map(
        ({ file }) => `src/${file} uses a timer that a test may replace. Import it from lib/real-timers.ts.`,
      )
    expect(problems).toEqual([])
  })

  test('has no default exports', () => {
    const problems = files
      .filter(({ scanned }) => hasDefaultExport(scanned))
      .map(
        ({ file }) =>
          `src/${file} has a default export. Export by name, so that a thing is called the same everywhere.`,
      )
    expect(problems).toEqual([])
  })

  test(`has no file above ${longestFile} lines`, () => {
    const problems = code
      .filter(({ file, lines }) => lines > longestFile && !dataFiles.has(file))
      .map(
        ({ file, lines }) =>
          `src/${file} has ${lines} lines (limit ${longestFile}). Split it by what changes together.`,
      )
    expect(problems).toEqual([])
  })

  test('uses what Node does not document in one file', () => {
    expect(code.map(({ file, source }) => internalsProblem(file, source)).filter(Boolean)).toEqual([])
  })

  test('only the chain and ports use values that may be promises', () => {
    expect(promiseProblems(code.map(({ file, scanned }) => ({ file, code: scanned.code })))).toEqual([])
  })

  test('has one router for the data plane, and one door in front of it', () => {
    expect(pathProblems(code.map(({ file, scanned }) => ({ file, literals: scanned.literals })))).toEqual([])
  })

  test('knows in one file whether a body is ASCII', () => {
    expect(code.map(({ file, scanned }) => asciiProblem(file, scanned.code)).filter(Boolean)).toEqual([])
  })

  test('has no short file that a single neighbour imports, but for those with a reason', () => {
    const importers = new Map<string, Set<string>>(code.map(({ file }) => [file, new Set()]))
    for (const { file, scanned } of code) {
      for (const { specifier } of scanned.imports)
        importers.get(posix.join(posix.dirname(file), specifier))?.add(file)
    }
    const placed = code.map(({ file, lines }) => ({
      file,
      lines,
      importers: [...(importers.get(file) ?? [])],
    }))
    expect(lonelyProblems(placed)).toEqual([])
  })
})

describe('package.json', () => {
  const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const contributing = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8')

  test('gives each dependency a home in src/, those included that users may leave out or that the build packs', () => {
    const installed = { ...manifest['dependencies'], ...manifest['peerDependencies'] }
    expect(new Set([...Object.keys(installed), 'js-tiktoken'])).toEqual(new Set(Object.keys(homes)))
  })

  test('has a reason in CONTRIBUTING.md for each package, and none for a package that is gone', () => {
    const reasons = contributing.slice(contributing.indexOf('## Dependencies'))
    const listed = [...reasons.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name)
    const used = [
      ...Object.keys(manifest['dependencies'] ?? {}),
      ...Object.keys(manifest['devDependencies'] ?? {}),
    ]
    expect(new Set(listed)).toEqual(new Set(used))
  })
})

describe('the rules', () => {
  test.each([
    ['limits/window.ts', '../lib/clock.ts', false],
    ['limits/window.ts', './ring/bucket.ts', false],
    ['limits/ring/bucket.ts', '../window.ts', false],
    ['lib/log.ts', 'pino', false],
    ['server/routes.ts', 'hono/tiny', false],
    ['server/routes.ts', '@hono/node-server/utils/response', false],
    ['pipeline/send.ts', 'node:http', true],
    ['server/listen.ts', 'node:http', false],
    ['tokens/count.test.ts', 'tiktoken', false],
    ['tokens/count.test.ts', '../../tests/support/texts.ts', false],
    ['index.ts', './server/simulator.ts', false],
    ['limits/window.ts', '../faults/fault.ts', true],
  ])('let src/%s import %s', (file, specifier, typeOnly) => {
    expect(importProblem(file, { specifier, typeOnly })).toBeUndefined()
  })

  test.each([
    ['lib/clock.ts', '../config/config.ts', true, 'config stands to the right of lib'],
    ['limits/window.ts', '../faults/fault.ts', false, 'limits and faults import each other'],
    ['limits/window.ts', '../index.ts', false, 'nothing in src/ imports them'],
    ['limits/window.ts', '../../package.json', false, 'src/ is complete in itself'],
    ['limits/window.ts', './bucket.js', false, 'imports end in .ts'],
    ['limits/window.ts', 'zod', true, 'zod belongs to config'],
    ['pipeline/routes.ts', '@hono/node-server', false, '@hono/node-server belongs to server'],
    ['server/routes.ts', 'left-pad', false, 'left-pad has no home'],
    ['pipeline/send.ts', 'node:http', false, 'sockets are the business of server'],
    ['generate/chat.ts', 'node:http', true, 'sockets are the business of server'],
  ])('refuse that src/%s imports %s', (file, specifier, typeOnly, reason) => {
    const problem = importProblem(file, { specifier, typeOnly })
    expect(problem).toContain(`src/${file} imports '${specifier}'`)
    expect(problem).toContain(reason)
  })

  test.each([
    "outgoing['_header'] = head",
    'const { _handle: handle } = socket',
    'outgoing._headerSent = true',
    "if ('_header' in outgoing) return",
    'outgoing.socket?.write(text)',
    "socket.write(text, 'latin1')",
    '`${length.toString(16)}\\r\\n${text}\\r\\n`',
    "server.emit('connection', socket)",
    'socket.destroySoon = end',
  ])('refuse that a file of the server says %s', (source) => {
    expect(internalsProblem('server/send.ts', source)).toContain(
      'Move that into src/server/node-internals.ts',
    )
    expect(internalsProblem('server/node-internals.ts', source)).toBeUndefined()
  })

  test.each([
    'const answer = (): Response | Promise<Response> => ask()',
    'type Page = Promise<Response> | Response',
    'function run(): MaybePromise<number> {',
  ])('refuse that a file without a reason says %s', (source) => {
    expect(promiseProblems([{ file: 'server/page.ts', code: source }], {})).not.toEqual([])
  })

  test('let a file with a reason name a value that may be promised, and others one that may be absent', () => {
    const stage = { file: 'limits/admit.ts', code: 'const next = (): ReplyOrPromise => run()' }
    expect(promiseProblems([stage], { stage: ['limits/admit.ts'] })).toEqual([])
    const closing = { file: 'server/close.ts', code: 'let closing: Promise<void> | undefined' }
    expect(promiseProblems([closing], {})).toEqual([])
    expect(promiseProblems([closing], { stage: ['server/close.ts'] })).toHaveLength(1)
  })

  test.each([
    ["path.startsWith('/openai/')"],
    ["if (path === '/v1/models') list()"],
    ['const prefix = "/openai"'],
    ['const isChat = /^\\/(?:openai|v1)\\//.test(path)'],
    ['const route = `/openai/deployments/${name}`'],
    ["app.post('/anthropic/v1/messages', answer)"],
  ])('refuse that a file without a reason names the path of %s', (source) => {
    const { literals } = scanSource(source)
    expect(pathProblems([{ file: 'server/app.ts', literals }], {})).toHaveLength(1)
    expect(pathProblems([{ file: 'server/app.ts', literals }], { 'server/app.ts': 'a reason' })).toEqual([])
  })

  test('let a file name what is no path of the data plane, and refuse a reason for it', () => {
    const { literals } = scanSource("import { a } from '../wire/v1/a.ts'\nconst path = '/images/v1.png'")
    expect(pathProblems([{ file: 'server/app.ts', literals }], {})).toEqual([])
    expect(pathProblems([{ file: 'server/app.ts', literals }], { 'server/app.ts': 'a reason' })).toHaveLength(
      1,
    )
  })

  test.each([
    'return { ...body, asciiRender: render }',
    'const isAscii = Buffer.byteLength(text) === text.length',
    'if (text.length !== Buffer.byteLength(text)) return',
  ])('refuse that a writer says %s', (source) => {
    expect(asciiProblem('wire/chat/write-chat.ts', source)).toContain('Ask src/answer/body.ts')
    expect(asciiProblem('answer/body.ts', source)).toBeUndefined()
  })

  const short = { file: 'limits/bucket.ts', lines: 59, importers: ['limits/window.ts'] }

  test.each([
    ['longer than that', { ...short, lines: 60 }],
    ['imported by two', { ...short, importers: ['limits/window.ts', 'limits/ring.ts'] }],
    ['imported from another folder', { ...short, importers: ['faults/fault.ts'] }],
    ['an entry', { file: 'extension.ts', lines: 1, importers: ['index.ts'] }],
  ])('let a file be alone that is %s', (_, file) => {
    expect(lonelyProblems([file], {})).toEqual([])
  })

  test('refuse a short file with one importer beside it, unless it has a reason', () => {
    expect(lonelyProblems([short], {})).toEqual([
      expect.stringContaining('only src/limits/window.ts imports it. Move its code there'),
    ])
    expect(lonelyProblems([short], { 'limits/bucket.ts': '' })).toHaveLength(1)
    expect(lonelyProblems([short], { 'limits/bucket.ts': 'a table' })).toEqual([])
  })

  test.each([
    ['is gone', []],
    ['is not alone any more', [{ ...short, lines: 100 }]],
  ])('refuse a reason for a file that %s', (_, placed) => {
    expect(lonelyProblems(placed, { 'limits/bucket.ts': 'a table' })).toEqual([
      expect.stringContaining('src/limits/bucket.ts is gone, longer, or has other importers'),
    ])
  })

  test.each(['index.ts', 'extension.ts', 'limits/token-window.ts', 'limits/token-window.test.ts'])(
    'accept the name src/%s',
    (file) => expect(nameProblem(file)).toBeUndefined(),
  )

  test.each([
    ['main.ts', 'belong directly into src/'],
    ['common/clock.ts', 'has no place in the order'],
    ['limits/index.ts', 'package entry only'],
    ['limits/utils.ts', 'say nothing'],
    ['limits/helpers/sum.ts', 'say nothing'],
    ['limits/tokenWindow.ts', 'kebab-case'],
    ['generate/lorem.json', 'bundles only .ts'],
  ])('refuse the name src/%s', (file, reason) => {
    expect(nameProblem(file)).toContain(reason)
  })
})
