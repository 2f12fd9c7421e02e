import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Maximum duration of a garbage collection, also on a busy core. */
const collectionMs = 500

/** Whether the functions in this file are supported. They require Linux. */
export const hasProcessFacts = process.platform === 'linux'

/** CPU time of a process in seconds; 0 if not supported. */
export function cpuSeconds(pid: number): number {
  if (!hasProcessFacts) return 0
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticksPerSecond = 100
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory of a process in MB (1,000,000 bytes). */
export function residentMb(pid: number): number {
  const kib = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

/** Resident memory of a process after a garbage collection. The process must have loaded collect-on-signal.mjs. */
export async function collectedMb(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR2')
  await sleep(collectionMs)
  return residentMb(pid)
}

/** Number of open file descriptors of a process. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Ids of the running child processes of a process. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** Maximum open file descriptors of this process and its children. */
export function descriptorLimit(): number {
  const found = /Max open files\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return found === undefined || found === 'unlimited' ? Infinity : Number(found)
}
