import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { clearInterval, epochMs, setInterval, setTimeout } from '../lib/real-timers.ts'
import { READ_WITHOUT_WAITING } from '../lib/regular-file.ts'

/** A number that no other process has which writes into the folder at the same time. */
export interface WriterClaim {
  /** From 1; most of the time there is one writer. */
  readonly writer: number
  /** Whether the number is still this holder's: the folder may have been removed, and others may have come. */
  isHeld(): Promise<boolean>
  /** Gives the number free. */
  release(): Promise<void>
}

/** How often a claim says that its holder lives. */
const heartbeatMs = 10_000

/** A claim that has said nothing for so long has lost its holder, where nobody can ask for the process. */
const staleMs = 60_000

/** How long two that take over the same stale claim need at most to see which of them was last. */
const takeOverMs = 50

const mostWriters = 1_000

/** When this process began, in milliseconds since 1970: in a container each one has the same id and machine name. */
const processStartMs = epochMs() - process.uptime() * 1_000

/** How far apart two looks at the start of one process may be. */
const sameStartMs = 2_000

/** What a claim says of whoever holds it. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly startMs: number
  readonly id: string
}

/**
 * Takes the first free number of a folder, by a file that only one process can make. A file share has no appending that
 * two machines could share, so each writer has files of its own.
 *
 * @throws the error of node:fs when the folder cannot be written to
 */
export async function claimWriter(dir: string): Promise<WriterClaim> {
  for (let writer = 1; writer <= mostWriters; writer++) {
    const path = join(dir, lockName(writer))
    const holder: Holder = { pid: process.pid, host: hostname(), startMs: processStartMs, id: randomUUID() }
    const content = JSON.stringify(holder)
    if ((await create(path, content)) || (await takeOver(path, content))) return hold(path, content, writer)
  }
  throw new Error(`${mostWriters} processes write into this folder. Delete .aoai-sim-writer-*.lock in it.`)
}

/** The name of the file that claims a number. */
export function lockName(writer: number): string {
  return `.aoai-sim-writer-${writer}.lock`
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function takeOver(path: string, content: string): Promise<boolean> {
  if (!(await isStale(path))) return false
  const mine = `${path}.${randomUUID()}`
  await writeFile(mine, content, { flag: 'wx', mode: 0o600 })
  await rename(mine, path)
  await new Promise<void>((resolve) => void setTimeout(resolve, takeOverMs))
  return (await read(path)) === content
}

/** Whether the holder of a claim is gone: its process on this machine, or else its heartbeat. */
async function isStale(path: string): Promise<boolean> {
  const holder = parseHolder(await read(path))
  if (holder?.host === hostname() && !isRunning(holder)) return true
  try {
    const { mtimeMs } = await stat(path)
    return epochMs() - mtimeMs > staleMs
  } catch {
    // It was released just now; whoever made it first has the number.
    return false
  }
}

function parseHolder(content: string | undefined): Pick<Holder, 'pid' | 'host' | 'startMs'> | undefined {
  try {
    const { pid, host, startMs } = JSON.parse(content ?? '') as Record<string, unknown>
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof startMs !== 'number') return undefined
    return { pid, host, startMs }
  } catch {
    return undefined
  }
}

function isRunning({ pid, startMs }: Pick<Holder, 'pid' | 'startMs'>): boolean {
  if (pid === process.pid) return Math.abs(startMs - processStartMs) < sameStartMs
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of another user may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: 'utf8', flag: READ_WITHOUT_WAITING })
  } catch {
    return undefined
  }
}

function hold(path: string, content: string, writer: number): WriterClaim {
  // A folder that is gone for a moment is noticed when something is written to it.
  const heartbeat = setInterval(() => {
    const now = new Date(epochMs())
    utimes(path, now, now).catch(() => {})
  }, heartbeatMs)
  heartbeat.unref()
  return {
    writer,
    isHeld: async () => (await read(path)) === content,
    async release() {
      clearInterval(heartbeat)
      if ((await read(path)) === content) await rm(path, { force: true })
    },
  }
}
