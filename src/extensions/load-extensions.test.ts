import { readdirSync } from 'node:fs'
import { Session } from 'node:inspector'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import * as contract from '../pipeline/extension.ts'
import { createVirtualClock } from '../lib/virtual-clock.ts'
import { extensionFolder, slowExtension } from '../../tests/support/extensions/extension-folder.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { loadExtensions } from './load-extensions.ts'

const log = (): void => undefined
const host: contract.ExtensionHost = {
  config: testConfig().defaultResource,
  clock: createVirtualClock(),
  logger: { debug: log, info: log, warn: log, error: log },
}
const ownModules = { 'aoai-simulated-api/extension': contract }

const load = (paths: readonly string[], folder: string) => loadExtensions(paths, host, folder, ownModules)

/** Loads one extension that reports its results as names of its limiters. */
async function sawOf(files: Readonly<Record<string, string>>, path: string): Promise<string[]> {
  const [loaded] = await load([path], extensionFolder(files))
  return Object.keys(loaded?.extension.limiters ?? {})
}

const plain = (name: string): string => `export default { name: '${name}' }\n`

describe('loadExtensions', () => {
  it('loads TypeScript from a folder without node_modules, with its path as the source', async () => {
    const folder = extensionFolder({ 'extensions/slow.ts': slowExtension })
    const [loaded] = await load(['extensions/slow.ts'], folder)
    expect(loaded).toMatchObject({
      extension: { name: 'slow' },
      source: 'extensions/slow.ts',
      file: `${folder}/extensions/slow.ts`,
    })
    expect(loaded?.extension.hooks?.map(({ name }) => name)).toEqual(['addDelay'])
  })

  it('adds a source map, so that breakpoints in the file of an extension work', async () => {
    const folder = extensionFolder({ 'slow.ts': slowExtension })
    const maps: string[] = []
    const session = new Session()
    session.connect()
    session.on('Debugger.scriptParsed', ({ params: { url, sourceMapURL = '' } }) => {
      if (url.endsWith(`${folder}/slow.ts`)) maps.push(sourceMapURL)
    })
    session.post('Debugger.enable')
    await load(['slow.ts'], folder)
    session.disconnect()
    const [map = ''] = maps
    const { sources } = JSON.parse(Buffer.from(map.split('base64,')[1] ?? '', 'base64').toString()) as Sources
    expect(sources).toEqual([`${folder}/slow.ts`])
  })

  it.each([
    [
      'a.ts',
      "import { defineExtension } from 'aoai-simulated-api/extension'\nexport default { name: 'a', hooks: [defineExtension] }",
    ],
    [
      'a.mts',
      "import * as kit from 'aoai-simulated-api/extension'\nexport default { name: 'a', hooks: [kit.defineExtension] }",
    ],
    [
      'a.mjs',
      "import { defineExtension } from 'aoai-simulated-api/extension'\nexport default { name: 'a', hooks: [defineExtension] }",
    ],
    [
      'a.js',
      "const { defineExtension } = require('aoai-simulated-api/extension')\nmodule.exports = { name: 'a', hooks: [defineExtension] }",
    ],
    [
      'a.cjs',
      "const { defineExtension } = require('aoai-simulated-api/extension')\nexports.default = { name: 'a', hooks: [defineExtension] }",
    ],
    [
      'a.cts',
      "import { defineExtension } from 'aoai-simulated-api/extension'\nexport default { name: 'a', hooks: [defineExtension] }",
    ],
  ])('gives %s the same modules as the running simulator', async (name, source) => {
    const [loaded] = await load([name], extensionFolder({ [name]: source }))
    expect(loaded?.extension.hooks?.[0]).toBe(contract.defineExtension)
  })

  it('prefers the running modules to a copy of the package next to the extension', async () => {
    const folder = extensionFolder({
      'a.mjs':
        "import { defineExtension } from 'aoai-simulated-api/extension'\nexport default { name: 'a', hooks: [defineExtension] }",
      'node_modules/aoai-simulated-api/package.json':
        '{"type":"module","exports":{"./extension":"./extension.js"}}',
      'node_modules/aoai-simulated-api/extension.js': 'export const defineExtension = () => undefined',
    })
    const [loaded] = await load(['a.mjs'], folder)
    expect(loaded?.extension.hooks?.[0]).toBe(contract.defineExtension)
  })

  it('supports imports of files, JSON and Node.js modules, and top-level await', async () => {
    const source = `import { sep } from 'node:path'
import { fromTs } from './lib/helper.ts'
import { fromTs as withoutEnding } from './lib/helper'
import { fromTs as writtenAsJs } from './lib/helper.js'
import fromMjs from './lib/native.mjs'
import fromCjs from './lib/common.cjs'
import data from './data.json'
import again from './data.json' with { type: 'json' }
enum Level { low, high }
const later = await Promise.resolve('later')
const file: string = import.meta.url
const seen = [sep, fromTs, withoutEnding, writtenAsJs, fromMjs, fromCjs, data.word, again.word, Level.high, later, file.slice(-5)]
export default { name: 'a', limiters: Object.fromEntries(seen.map((text) => ['saw ' + text, () => undefined])) }
`
    const files = {
      'a.ts': source,
      'lib/helper.ts':
        "import type { Hook } from 'aoai-simulated-api/extension'\nexport const fromTs: string = 'ts'\nexport type Mine = Hook",
      'lib/native.mjs':
        "import { defineExtension } from 'aoai-simulated-api/extension'\nexport default 'mjs ' + typeof defineExtension",
      'lib/common.cjs':
        "module.exports = 'cjs ' + typeof require('aoai-simulated-api/extension').defineExtension",
      'data.json': '{ "word": "json" }',
    }
    expect(await sawOf(files, 'a.ts')).toEqual([
      'saw /',
      'saw ts',
      'saw mjs function',
      'saw cjs function',
      'saw json',
      'saw 1',
      'saw later',
      'saw /a.ts',
    ])
  })

  it('loads the main file in package.json of a folder, or else its index', async () => {
    const folder = extensionFolder({
      'index-ts/index.ts': plain('index-ts'),
      'index-cjs/index.cjs': "module.exports = { name: 'index-cjs' }",
      'no-main/package.json': '{ "type": "module" }',
      'no-main/index.js': plain('no-main'),
      'main/package.json': '{ "main": "src/entry.mts" }',
      'main/src/entry.mts': plain('main'),
      'main/index.ts': plain('not this'),
      'main-folder/package.json': '{ "main": "./lib" }',
      'main-folder/lib/index.js': "exports.name = 'main-folder'",
    })
    const loaded = await load(['index-ts', './index-cjs', 'no-main', 'main', `${folder}/main-folder`], folder)
    expect(loaded.map(({ extension, source }) => [extension.name, source])).toEqual([
      ['index-ts', 'index-ts/index.ts'],
      ['index-cjs', 'index-cjs/index.cjs'],
      ['no-main', 'no-main/index.js'],
      ['main', 'main/src/entry.mts'],
      ['main-folder', 'main-folder/lib/index.js'],
    ])
  })

  it('finds installed packages from the working directory, with and without a scope', async () => {
    const folder = extensionFolder({
      'node_modules/sim-extension/package.json': '{ "type": "module", "exports": "./lib.js" }',
      'node_modules/sim-extension/lib.js': plain('package'),
      'node_modules/@acme/sim/package.json': '{ "main": "index.cjs" }',
      'node_modules/@acme/sim/index.cjs': "module.exports = { name: 'scoped' }",
      'deep/down/.keep': '',
    })
    const loaded = await load(['sim-extension', '@acme/sim'], `${folder}/deep/down`)
    expect(loaded.map(({ extension }) => extension.name)).toEqual(['package', 'scoped'])
    expect(loaded[0]?.source).toBe(`${folder}/node_modules/sim-extension/lib.js`)
  })

  it('calls an exported function with the host, and waits for its promise', async () => {
    const folder = extensionFolder({
      'sync.ts': 'export default (host) => ({ name: host.config.region })',
      'async.cjs': 'module.exports = async (host) => ({ name: typeof host.clock.nowMs })',
    })
    const loaded = await load(['sync.ts', 'async.cjs'], folder)
    expect(loaded.map(({ extension }) => extension.name)).toEqual(['East US 2', 'function'])
  })

  it('runs a module that several extensions import once per simulator', async () => {
    const counting = (name: string): string =>
      `import { state } from './state.ts'\nstate.count++\nexport default { name: '${name}', limiters: { [String(state.count)]: () => undefined } }`
    const folder = extensionFolder({
      'state.ts': 'export const state = { count: 0 }',
      'a.ts': counting('a'),
      'b.ts': counting('b'),
    })
    const counts = async (): Promise<string[]> =>
      (await load(['a.ts', 'b.ts'], folder)).flatMap(({ extension }) => Object.keys(extension.limiters ?? {}))
    expect(await counts()).toEqual(['1', '2'])
    expect(await counts()).toEqual(['1', '2'])
  })

  it('writes nothing to the disk', async () => {
    const before = new Set(readdirSync(tmpdir()))
    const folder = extensionFolder({ 'a.ts': slowExtension, 'node_modules/.keep': '' })
    await load(['a.ts'], folder)
    expect(readdirSync(folder).toSorted()).toEqual(['a.ts', 'node_modules'])
    expect(readdirSync(`${folder}/node_modules`)).toEqual(['.keep'])
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('jiti') && !before.has(name))).toEqual([])
  })
})

describe('loadExtensions rejects', () => {
  const refusal = async (files: Readonly<Record<string, string>>, path: string): Promise<string> => {
    const folder = extensionFolder(files)
    const error: unknown = await load([path], folder).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'OperatorError', code: 'EXTENSION_INVALID', exitCode: 2 })
    return (error as Error).message.replaceAll(folder, '/extensions')
  }

  it.each<[what: string, files: Readonly<Record<string, string>>, path: string, message: string]>([
    [
      'a missing file, with the nearest name',
      { 'lib/delay.ts': plain('a') },
      'lib/dely.ts',
      'Could not load the extension lib/dely.ts: there is no such file, folder or installed package (looked in /extensions/lib). Correct EXTENSION_PATH. Did you mean lib/delay.ts?',
    ],
    [
      'a missing path, without a search for packages',
      {},
      './jiti',
      'Could not load the extension ./jiti: there is no such file or folder (looked in /extensions). Correct EXTENSION_PATH.',
    ],
    [
      'modules of Node.js',
      {},
      'fs',
      'Could not load the extension fs: there is no such file, folder or installed package (looked in /extensions). Correct EXTENSION_PATH.',
    ],
    [
      'another language',
      { 'delay.py': 'pass' },
      'delay.py',
      'Could not load the extension delay.py: it is neither JavaScript nor TypeScript (got delay.py). Use a file that ends in .ts, .mts, .cts, .js, .mjs or .cjs.',
    ],
    [
      'a folder without an index, with the files in it',
      { 'all/one.ts': plain('a'), 'all/two.mjs': plain('b') },
      'all',
      'Could not load the extension all: the folder has no index.ts, index.mts, index.cts, index.js, index.mjs, index.cjs and no package.json with a main file. Add one. Or set EXTENSION_PATH to a file in it: one.ts, two.mjs.',
    ],
    [
      'a folder with a missing main file',
      { 'all/package.json': '{ "main": "dist/main.js" }' },
      'all',
      'Could not load the extension all: its package.json names a main file that does not exist (got dist/main.js). Build it.',
    ],
    [
      'a syntax error, with its file and line',
      { 'a.ts': "const a = 1\nexport default { name 'a' }" },
      'a.ts',
      'Could not load the extension a.ts: its code failed: ParseError: Unexpected token, expected "," /extensions/a.ts:2:22. Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'a syntax error in a file that it imports',
      { 'a.ts': "import './b.mjs'\nexport default { name: 'a' }", 'b.mjs': '\n\nconst = 1' },
      'a.ts',
      'Could not load the extension a.ts: its code failed: ParseError: Unexpected token /extensions/b.mjs:3:6. Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'an import of a file that is not there',
      { 'a.ts': "import { x } from './nope.ts'\nexport default { name: x }" },
      'a.ts',
      "Could not load the extension a.ts: its code failed: Cannot find module './nope.ts', imported from /extensions/a.ts. Correct the import, or install the package in the folder of the extension.",
    ],
    [
      'an import of a name that the simulator does not have',
      {
        'a.ts':
          "import { defineExtention, type Hook } from 'aoai-simulated-api/extension'\nconst a: Hook = async () => defineExtention({})\nexport default { name: 'a', hooks: [a] }",
      },
      'a.ts',
      'Could not load the extension a.ts: its code failed: aoai-simulated-api/extension has no export defineExtention, which /extensions/a.ts imports (did you mean defineExtension?). Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'such an import in a file that it imports',
      {
        'a.ts': "import { b } from './b.ts'\nexport default { name: b }",
        'b.ts':
          "import { Exchange, defineExtensions as reply } from 'aoai-simulated-api/extension'\nexport const b = (_: Exchange) => reply('')",
      },
      'a.ts',
      'Could not load the extension a.ts: its code failed: aoai-simulated-api/extension has no export defineExtensions, which /extensions/b.ts imports (did you mean defineExtension?). Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'an import of a package that is not installed',
      { 'a.mjs': "import x from 'not-installed'\nexport default { name: x }" },
      'a.mjs',
      "Could not load the extension a.mjs: its code failed: Cannot find module 'not-installed', imported from /extensions/a.mjs. Correct the import, or install the package in the folder of the extension.",
    ],
    [
      'code that throws, with its file and line',
      {
        'a.ts':
          "interface A {\n  a: string\n}\nthrow new TypeError('no such tenant.')\nexport default { name: 'a' } as A",
      },
      'a.ts',
      'Could not load the extension a.ts: its code failed: no such tenant (at /extensions/a.ts:4:7). Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'named exports alone',
      { 'a.ts': "export const name = 'a'\nexport const hooks = []" },
      'a.ts',
      "Could not use the extension a.ts: it has no default export (got the exports hooks, name). Write export default defineExtension({ name: '...' }).",
    ],
    [
      'a file without exports',
      { 'a.cjs': 'const a = 1' },
      'a.cjs',
      "Could not use the extension a.cjs: it has no default export (got no exports). Write export default defineExtension({ name: '...' }).",
    ],
    [
      'a function that throws',
      { 'a.ts': "export default () => {\n  throw new Error('no key')\n}" },
      'a.ts',
      'Could not load the extension a.ts: the function that it exports failed: no key (at /extensions/a.ts:2:9). Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'a function that rejects with what is no Error',
      { 'a.ts': "export default async () => Promise.reject('no key')" },
      'a.ts',
      'Could not load the extension a.ts: the function that it exports failed: no key. Correct the extension, or remove it from EXTENSION_PATH.',
    ],
    [
      'a function that does not return an extension',
      { 'a.ts': 'export default () => 42' },
      'a.ts',
      "Could not use the extension a.ts: it must be an object, or a function that returns one (got 42). Write export default defineExtension({ name: '...' }).",
    ],
  ])('%s', async (_, files, path, message) => {
    expect(await refusal(files, path)).toBe(message)
  })
})

interface Sources {
  readonly sources: readonly string[]
}
