import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'
import { isInstalled, needOf } from './installed-tool.ts'

/** A server of Redis or Valkey on this machine, which keeps nothing. */
export interface RedisServer {
  /** The same after a restart. */
  readonly url: string
  readonly port: number
  /** Starts it again after `kill`, empty. */
  start(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Lets it hang: connections stay open and nothing is answered. */
  pause(): void
  resume(): void
  /** Ends it and removes its folder. */
  remove(): Promise<void>
}

const program = ['redis-server', 'valkey-server'].find(isInstalled)

/** What tests against such a server need. */
export const redisNeed = needOf(program === undefined ? ['redis-server'] : [])

/**
 * Starts a server on a free port of the loopback address.
 *
 * @param moreArgs gives further words of its command line: `--requirepass secret`
 */
export async function startRedisServer(
  moreArgs: (port: number) => readonly string[] = () => [],
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const port = await freePort()
  let running: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const common = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn(program ?? 'redis-server', [...common, '--dir', folder, ...moreArgs(port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    running = child
    const lines = createInterface(child.stdout)
    for await (const line of lines) if (line.includes('Ready to accept connections')) break
    child.stdout.resume()
  }
  const kill = async (): Promise<void> => {
    const child = running
    running = undefined
    if (!child || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
    async remove() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
