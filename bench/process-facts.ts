import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Long enough for a collection, on a busy core too. */
const collectionMs = 500

/** Whether the system tells what the functions of this file ask; only Linux does. */
export const hasProcessFacts = process.platform === 'linux'

/** CPU time that a process has used, in seconds; 0 where the system does not tell. */
export function cpuSeconds(pid: number): number {
  if (!hasProcessFacts) return 0
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticksPerSecond = 100
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process, in MB of a million bytes. */
export function residentMb(pid: number): number {
  const kib = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

/** Resident memory of a process right after a collection of its garbage, for which it has collect-on-signal.mjs. */
export async function collectedMb(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  await sleep(collectionMs)
  return residentMb(pid)
}

/** How many file descriptors a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** How many processes a process has started that still run. */
export function childCount(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length
}

/** Most file descriptors that this process, and what it starts, may have open. */
export function descriptorLimit(): number {
  const found = /Max open files\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return found === undefined || found === 'unlimited' ? Infinity : Number(found)
}
