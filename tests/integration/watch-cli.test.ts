import { EventEmitter } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { createSimulator } from '../../src/server/create-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const key = 'watch-test-key'

const startSimulator = async () => {
  const simulator = await createSimulator({
    apiKey: key,
    log: 'silent',
    deployments: { chat: { model: 'gpt-4o' }, other: { model: 'gpt-4o' } },
  })
  onTestFinished(async () => simulator.close())
  return { simulator, ...(await simulator.listen({ port: 0 })) }
}

const ask = async (url: string, deployment: string): Promise<void> => {
  const path = `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, stream: true })
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body,
  })
  await response.text()
}

interface Terminal {
  readonly isTTY: true
  columns: number
  rows: number
}

/** Runs the command until it ends. `seen` resolves when the output matches. */
const watch = (argv: readonly string[], terminal?: Terminal, env: Record<string, string> = {}) => {
  let out = ''
  let err = ''
  const signals = new EventEmitter()
  const resize = new EventEmitter()
  const waiting = new Set<() => void>()
  const added = (): void => waiting.forEach((check) => check())
  const done = run({
    argv: ['watch', ...argv],
    env: { SIMULATOR_API_KEY: key, ...env },
    workingDirectory: tmpdir(),
    // The same object, because a test changes its size.
    stdout: Object.assign(terminal ?? {}, {
      on: resize.on.bind(resize),
      off: resize.off.bind(resize),
      write: (text: string) => {
        out += text
        added()
      },
    }),
    stderr: {
      write: (text) => {
        err += text
        added()
      },
    },
    signals,
  })
  const matches = (read: () => string) => async (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const check = (): void => {
        if (!pattern.test(read())) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return {
    done,
    stop: () => signals.emit('SIGINT'),
    resize: () => resize.emit('resize'),
    seenOut: matches(() => out),
    seenErr: matches(() => err),
    get out() {
      return out
    },
    get err() {
      return err
    },
    clear: () => (out = ''),
  }
}

describe('aoai-sim watch', () => {
  it('prints one reading with --once --json', async () => {
    const { url } = await startSimulator()
    await ask(url, 'chat')
    await ask(url, 'other')
    const watching = watch(['--url', url, '--once', '--json', '--deployment', 'chat'])
    expect(await watching.done).toBe(0)
    const lines = watching.out.trimEnd().split('\n')
    expect(lines).toHaveLength(1)
    const state = JSON.parse(lines[0]!)
    expect(state.totals).toMatchObject({ requests: 1, by_status: { 200: 1 } })
    expect(Object.keys(state.resources.default.deployments)).toEqual(['chat'])
    expect(state.resources.default.deployments.chat).toMatchObject({ requests: 1, by_status: { 200: 1 } })
    expect(state.window_ms).toBeGreaterThan(500)
  })

  it('shows only the figures of the deployment, and says if it does not exist', async () => {
    const { url } = await startSimulator()
    const only = (name: string, ...flags: string[]) => watch(['--url', url, '--deployment', name, ...flags])
    const [lines, table] = [only('missing'), only('missing', '--once')]
    expect(await table.done).toBe(0)
    expect(table.out).toContain('\nNo such deployment.\n')
    for (let count = 0; count < 3; count++) await ask(url, 'chat')
    await lines.seenOut(/keeps up\n.*keeps up\n/)
    lines.stop()
    await lines.done
    expect(lines.out).not.toMatch(/Z {2}[1-9.]+ requests\/s/)
  })

  it('prints a table with --once, and lines without a terminal', async () => {
    const { url } = await startSimulator()
    const [once, lines] = [watch(['--url', url, '--once']), watch(['--url', `${url}/`])]
    expect(await once.done).toBe(0)
    expect(once.out).toMatch(/^deployment .*\nchat .*\nother /m)
    await lines.seenOut(/\d requests\/s .*keeps up\n.*keeps up\n/)
    lines.stop()
    expect(await lines.done).toBe(0)
    expect(lines.out + once.out).not.toContain('\u001b')
  })

  it('redraws a terminal in place, adapts to its size, and leaves the last figures', async () => {
    const { url } = await startSimulator()
    const terminal: Terminal = { isTTY: true, columns: 80, rows: 24 }
    const watching = watch(['--url', url], terminal, { NO_COLOR: '1' })
    await watching.seenOut(/chat /)
    expect(watching.out.startsWith('\u001b[?1049h')).toBe(true)
    expect(watching.out).toContain('first (plan)')
    watching.clear()
    terminal.columns = 40
    watching.resize()
    expect(watching.out.startsWith('\u001b[H')).toBe(true)
    expect(watching.out).not.toContain('first (plan)')
    watching.clear()
    watching.stop()
    expect(await watching.done).toBe(0)
    expect(watching.out.startsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    expect(watching.out).toContain('chat ')
  })

  it('says when the connection is lost and when it is back', async () => {
    const answers: ServerResponse[] = []
    const live = await startSimulator()
    let isUp = true
    const server = createServer((_request, response) => {
      if (!isUp) return response.destroy()
      answers.push(response)
      const body = fetch(`${live.url}/++/events`, { headers: { 'api-key': key } })
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void body.then(async (events) => {
        for await (const chunk of events.body!) if (!response.write(chunk)) await new Promise(setImmediate)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => void server.close())
    const watching = watch(['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`])
    await watching.seenOut(/requests\/s/)
    isUp = false
    for (const answer of answers) answer.destroy()
    await watching.seenErr(/^The connection is lost: .+\. Trying again\.\n/)
    isUp = true
    await watching.seenErr(/Connected again after \d+ s\.\n$/)
    watching.clear()
    await watching.seenOut(/requests\/s/)
    watching.stop()
    expect(await watching.done).toBe(0)
    expect(watching.err.match(/lost/g)).toHaveLength(1)
  })

  it('ends with code 2 and what to do for a wrong key, no key, a wrong resource and a wrong flag', async () => {
    const { url } = await startSimulator()
    const wrong = watch(['--url', url, '--api-key', 'wrong'])
    expect(await wrong.done).toBe(2)
    expect(wrong.err).toMatch(/rejects the key \(got 401\)\. Set --api-key or SIMULATOR_API_KEY/)
    expect(wrong.err).not.toContain('wrong')
    const none = watch(['--url', url], undefined, { SIMULATOR_API_KEY: '' })
    expect(await none.done).toBe(2)
    expect(none.err).toContain('there is no key')
    const resource = watch(['--url', url, '--resource', 'none'])
    expect(await resource.done).toBe(2)
    expect(resource.err).toContain('Could not find the resource "none". Known resources: default.')
    expect(await watch(['--interval', '0.1']).done).toBe(2)
  })

  it('ends with code 1 if there is no simulator', async () => {
    const watching = watch(['--url', await refusingUrl()])
    expect(await watching.done).toBe(1)
    expect(watching.err).toMatch(/^Could not reach a simulator at .+ECONNREFUSED.+ Start it/)
  })
})
