import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'
import { join } from 'node:path'
import { epochMs } from '../lib/real-timers.ts'
import { READ_WITHOUT_WAITING } from '../lib/regular-file.ts'

/** The right of one process to append to the files of a folder that have plain names. */
export interface FolderClaim {
  /** The lock file of this process, or of the process that records into the folder already. */
  readonly lockPath: string
  /** Describes that other process; undefined if this process has the claim. */
  readonly heldBy: string | undefined
}

/** When this process started, in milliseconds since 1970. In containers, process id and host name may repeat. */
const processStartMs = epochMs() - process.uptime() * 1_000

/** How much the computed start time of one process may vary. */
const SAME_START_MS = 2_000

/** The content of a lock file. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly startMs: number
}

const lockNames = /^\.aoai-sim-recorder-[\da-f-]+\.lock$/

/**
 * Claims a folder. Each process creates its lock file first and then looks for others, so two processes cannot both miss each
 * other. If two start at the same time, it is possible that neither gets the claim.
 *
 * @throws the error of node:fs if the folder is not writable
 */
export async function claimFolder(dir: string): Promise<FolderClaim> {
  const lockPath = join(dir, `.aoai-sim-recorder-${randomUUID()}.lock`)
  const holder: Holder = { pid: process.pid, host: hostname(), startMs: processStartMs }
  await writeFile(lockPath, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
  try {
    const other = await findOther(dir, lockPath)
    if (other) await rm(lockPath, { force: true })
    return other ?? { lockPath, heldBy: undefined }
  } catch (error) {
    await rm(lockPath, { force: true })
    throw error
  }
}

/** Whether the lock file still exists. It does not after the folder was deleted. */
export async function isHeld({ lockPath }: FolderClaim): Promise<boolean> {
  return (await stat(lockPath).catch(() => undefined)) !== undefined
}

/** Deletes the lock file, so that another process can claim the folder. Ignores errors: locks of ended processes have no effect. */
export async function releaseFolder({ lockPath }: FolderClaim): Promise<void> {
  await rm(lockPath, { force: true }).catch(() => {})
}

/** Finds the lock of another process, and deletes the locks of processes that have ended. */
async function findOther(dir: string, own: string): Promise<FolderClaim | undefined> {
  for (const name of await readdir(dir)) {
    const lockPath = join(dir, name)
    if (!lockNames.test(name) || lockPath === own) continue
    const content = await readLock(lockPath)
    if (content === undefined) continue
    const holder = parseHolder(content)
    if (!holder) return { lockPath, heldBy: 'another process' }
    if (!hasEnded(holder)) return { lockPath, heldBy: `process ${holder.pid} on ${holder.host}` }
    await rm(lockPath, { force: true })
  }
  return undefined
}

/** Returns undefined for a lock that was released meanwhile. */
async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: 'utf8', flag: READ_WITHOUT_WAITING })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : ''
  }
}

function parseHolder(content: string): Holder | undefined {
  try {
    const { pid, host, startMs } = JSON.parse(content) as Record<string, unknown>
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof startMs !== 'number') return undefined
    return { pid, host, startMs }
  } catch {
    return undefined
  }
}

/** Whether a process is known to have ended. Only processes of this machine can be checked. */
function hasEnded({ pid, host, startMs }: Holder): boolean {
  if (host !== hostname()) return false
  if (pid === process.pid) return Math.abs(startMs - processStartMs) >= SAME_START_MS
  if (startMs < epochMs() - uptime() * 1_000 - SAME_START_MS) return true
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'EPERM'
  }
}
