import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { eventually, packageFolder, startInProcess } from '../support/built-program.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/installed-tool.ts'
import { createUserProject } from '../support/user-project.ts'

const runFile = promisify(execFile)

const { isMissing, note } = needs('curl')

/** Nothing of this test run's own variables, which would make the test runners below take it for theirs. */
const env = { PATH: process.env['PATH'], NODE_DISABLE_COLORS: '1', NO_COLOR: '1' }

describe('examples/vitest', () => {
  it('passes in the folder it is copied to', async () => {
    using project = createUserProject('vitest')
    const { stdout } = await runFile('node_modules/.bin/vitest', ['run'], { cwd: project.folder, env })
    expect(stdout).toMatch(/Tests +3 passed \(3\)/)
  })

  it('compiles for a user of the package', async () => {
    using project = createUserProject('vitest')
    const args = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
    const libraries = ['--lib', 'es2023,esnext.disposable', '--allowImportingTsExtensions']
    const files = ['ask.test.ts', 'simulator-fixture.ts']
    const checking = runFile('node_modules/.bin/tsc', [...args, ...libraries, ...files], {
      cwd: project.folder,
      env,
    })
    await expect(checking).resolves.toMatchObject({ stdout: '' })
  })
})

describe('examples/node-test', () => {
  it('passes in the folder it is copied to, and its process ends by itself', async () => {
    using project = createUserProject('node-test')
    const args = ['--test', '--test-reporter=tap', '--test-timeout=50000']
    const { stdout } = await runFile(process.execPath, args, { cwd: project.folder, env, timeout: 55_000 })
    expect(stdout).toMatch(/^# pass [1-9]/m)
    expect(stdout).toMatch(/^# fail 0$/m)
  })
})

describe('examples/github-actions', () => {
  const workflow = readWorkflow('replay.yml')
  const steps = workflow.jobs.replay.steps

  it('uses only actions of GitHub, and installs before it tests', () => {
    const actions = steps.flatMap(({ uses = [] }) => uses).map((one) => one.replace(/@.*/, ''))
    expect(actions).toEqual(['actions/checkout', 'actions/setup-node'])
    expect(steps.findIndex(({ run }) => run === 'npm ci')).toBe(steps.length - 2)
    expect(workflow).toMatchObject({ on: ['push', 'pull_request'], permissions: { contents: 'read' } })
  })

  it.skipIf(isMissing)(`passes as a step of the runner, and ends the simulator${note}`, async () => {
    using project = createUserProject('github-actions')
    const { stdout } = await runStep(project.folder)
    expect(stdout).toMatch(/^# pass 2$/m)
    expect(stdout).toContain('Stopping:')
  })

  it.skipIf(isMissing)(`fails when a recording was not used${note}`, async () => {
    using project = createUserProject('github-actions')
    const failing = runStep(project.folder, (script) => script.replace('npm test', 'true'))
    await expect(failing).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/2 recordings were never used/),
    })
  })

  /** Runs the test step as GitHub does, on a free port. */
  async function runStep(cwd: string, change = (script: string): string => script) {
    const step = steps.at(-1)
    if (!step?.run || !step.env) throw new Error('The last step runs nothing.')
    const port = String(await freePort())
    const variables = Object.entries(step.env).map(([name, value]) => [name, value.replace('8000', port)])
    return runFile('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', change(step.run)], {
      cwd,
      env: { ...env, ...Object.fromEntries(variables) },
      timeout: 50_000,
    })
  }
})

describe('examples/two-regions', () => {
  const folder = join(packageFolder, 'examples/two-regions')
  const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 })
  const headers = { 'content-type': 'application/json' }

  it('answers from the other region during an outage, and loses no request', async () => {
    await using program = await startInProcess({
      env: { SIMULATOR_CONFIG: join(folder, 'two-regions.yaml'), LATENCY_TIME_SCALE: '0' },
    })
    await using gateway = await startGateway(program.url)
    const ask = async (stream = false): Promise<{ status: number; region: string; text: string }> => {
      const asked = stream ? body.replace('{', '{"stream":true,') : body
      const answer = await fetch(gateway.url + path, { method: 'POST', headers, body: asked })
      const text = await answer.text()
      return { status: answer.status, region: answer.headers.get('x-ms-region') ?? '', text }
    }
    expect(await ask()).toMatchObject({ status: 200, region: 'East US 2' })
    const outage = readFileSync(join(folder, 'outage.yaml'), 'utf8')
    const incidents = (what: string, sent?: string): Promise<Response> =>
      fetch(`${program.url}/++/incidents/${what}?resource=east`, {
        method: 'POST',
        headers: { 'api-key': program.key },
        ...(sent !== undefined && { body: sent }),
      })
    expect((await incidents('start', outage.replace('seconds: 4', 'seconds: 600'))).status).toBe(200)
    const during = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(index % 2 === 1)))
    expect(new Set(during.map(({ status, region }) => `${status} ${region}`))).toEqual(
      new Set(['200 West US 3']),
    )
    expect(during.filter(({ text }) => text.includes('[DONE]'))).toHaveLength(20)
    await incidents('stop')
    const after = await eventually(ask, ({ region }) => region === 'East US 2')
    expect(after.status).toBe(200)
  })

  it('returns the earliest retry-after if both regions are busy', async () => {
    await using gateway = await startGateway('http://127.0.0.1:1')
    const answers = await Promise.all(
      [1, 2].map(() => fetch(gateway.url + path, { method: 'POST', headers, body })),
    )
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1'])
      expect(Number(answer.headers.get('retry-after-ms'))).toBeLessThanOrEqual(1_000)
    }
  })

  async function startGateway(simulator: string): Promise<AsyncDisposable & { readonly url: string }> {
    const regions = { EAST_URL: `${simulator}/east`, WEST_URL: `${simulator}/west` }
    const child = spawn(process.execPath, [join(folder, 'gateway.js')], {
      env: { ...env, ...regions, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
    return {
      url: /http:\S+/.exec(line)?.[0] ?? '',
      async [Symbol.asyncDispose]() {
        child.kill()
        await ended
      },
    }
  }
})

interface Workflow {
  readonly jobs: {
    readonly replay: {
      readonly steps: readonly {
        readonly uses?: string
        readonly run?: string
        readonly env?: Readonly<Record<string, string>>
      }[]
    }
  }
}

function readWorkflow(file: string): Workflow {
  return parse(readFileSync(join(packageFolder, 'examples/github-actions', file), 'utf8')) as Workflow
}
