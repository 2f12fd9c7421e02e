import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { settingsTable } from '../../src/config/settings-table.ts'
import { packageFolder, startInProcess } from '../support/built-program.ts'

const runFile = promisify(execFile)

describe('the built library', () => {
  it('describes every setting in its declarations, for editors', () => {
    const declared = readFileSync(join(packageFolder, 'dist/config/settings-schema.d.ts'), 'utf8')
    const described = declared.matchAll(/^ +\/\*\* (.+?)(?: \(.+)? \*\/\n +(\w+): z\./gm)
    expect(Array.from(described, ([, text, key]) => `${key}: ${text}`).toSorted()).toEqual(
      settingsTable()
        .map(({ path, description }) => `${path.at(-1)}: ${description.split(' (')[0]}`)
        .toSorted(),
    )
  })

  it('lets the process end by itself after close, whatever it was used for', async () => {
    const script = `
      import { createSimulator, defineExtension } from 'aoai-simulated-api'
      import { defineExtension as same } from 'aoai-simulated-api/extension'
      const sim = await createSimulator({
        latency: { timeScale: 1, profile: 'auto' },
        journal: true,
        incidents: { phases: [{ name: 'later', at: '1h', duration: '1h' }], repeat: true },
      })
      const { url } = await sim.listen()
      const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
      const body = '{"messages":[{"role":"user","content":"Hello"}],"stream":true}'
      const request = { method: 'POST', headers: { 'api-key': sim.apiKey }, body }
      const onSocket = await fetch(url + path, request)
      const inProcess = await sim.fetch(path, request)
      console.log(onSocket.status, inProcess.status, defineExtension === same)
      await onSocket.body.cancel()
      await sim.close()
    `
    const { stdout, stderr } = await runFile(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: packageFolder,
      timeout: 50_000,
    })
    expect({ stdout, stderr }).toEqual({ stdout: '200 200 true\n', stderr: '' })
  })
})

describe('a stack trace of the built library', () => {
  it('names files and lines of src/ when source maps are enabled', async () => {
    const script = `
      import { createSimulator } from 'aoai-simulated-api'
      await createSimulator({ port: 1 }).catch(({ stack }) => console.log(stack))
    `
    const args = ['--enable-source-maps', '--input-type=module', '--eval', script]
    const { stdout } = await runFile(process.execPath, args, { cwd: packageFolder, timeout: 50_000 })
    const [, line = ''] =
      /at createSimulator \(.+[\\/]src[\\/]server[\\/]create-simulator\.ts:(\d+):\d+\)/.exec(stdout) ?? []
    const source = readFileSync(join(packageFolder, 'src/server/create-simulator.ts'), 'utf8').split('\n')
    expect(source[Number(line) - 1]).toContain('liveConfigOfOptions(')
  })
})

describe('clock.advance under the fake timers of node:test', () => {
  const enable = 'mock.timers.enable()'
  const load = "const { createSimulator } = await import('aoai-simulated-api')"
  const create = "const sim = await createSimulator({ clock: 'virtual', latency: { timeScale: 1 } })"

  it.each([
    ['enabled before the library is imported', [enable, load, create]],
    ['enabled before a simulator is created', [load, enable, create]],
    ['enabled after a simulator was created', [load, create, enable]],
    [
      'of timeouts and immediates alone',
      [load, "mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })", create],
    ],
  ])('moves a simulator: %s', async (_name, steps) => {
    const script = `
      import { mock } from 'node:test'
      ${steps.join('\n')}
      const asked = sim.fetch('/openai/v1/chat/completions', {
        method: 'POST',
        headers: { 'api-key': sim.apiKey },
        body: '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}],"stream":true,"max_tokens":5}',
      })
      await sim.clock.advance(60_000)
      console.log((await (await asked).text()).includes('[DONE]'))
      await sim.close()
    `
    const { stdout } = await runFile(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: packageFolder,
      timeout: 50_000,
    })
    expect(stdout).toBe('true\n')
  })
})

describe('SIMULATOR_CLOCK=virtual', () => {
  it('does not move until it is advanced', async () => {
    await using program = await startInProcess({
      env: { SIMULATOR_CLOCK: 'virtual' },
      deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 100_000, requestsPerMinute: 6 } },
    })
    const headers = { 'api-key': program.key, 'content-type': 'application/json' }
    const ask = async (): Promise<number> => {
      const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
      const body = '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":5}'
      return (await fetch(program.url + path, { method: 'POST', headers, body })).status
    }
    expect([await ask(), await ask()]).toEqual([200, 429])
    await fetch(`${program.url}/++/clock/advance`, { method: 'POST', headers, body: '{"seconds":60}' })
    expect(await ask()).toBe(200)
  })
})
