import { responseArchivePort } from '../generate/responses/response-archive.ts'
import { journalPort } from '../journal/journal-sink.ts'
import { concurrencyLimiterPort } from '../latency/concurrency-limiter.ts'
import type { Port } from '../lib/port.ts'
import { rateLimiterPort } from '../limits/rate-limiter.ts'
import { type ServedPort, serve } from '../shared/rpc/port-server.ts'
import { portClient } from '../shared/rpc/port-client.ts'
import type { Peer } from '../shared/rpc/peer.ts'
import { replayCursorsPort } from '../recordings/replay-cursors.ts'

/** The states that the processes of a worker pool have together: the primary keeps them, and workers use them. */
export const sharedPorts = {
  limits: rateLimiterPort,
  slots: concurrencyLimiterPort,
  responses: responseArchivePort,
  cursors: replayCursorsPort,
  journal: journalPort,
} as const

type PortInterface<T> = T extends Port<infer P, never> ? P : never

/** What each state is used through. */
export type PoolState = {
  readonly [K in keyof typeof sharedPorts]: PortInterface<(typeof sharedPorts)[K]>
}

/** The states as a worker uses them: kept by the primary, which `peer` leads to. */
export function remoteState(peer: Peer): PoolState {
  const ports = Object.entries<Port<unknown>>(sharedPorts as never)
  return Object.fromEntries(
    ports.map(([name, port]) => [name, portClient(port, peer)]),
  ) as unknown as PoolState
}

/** The states as the primary keeps them for workers. */
export function servedState(state: PoolState): ServedPort[] {
  const ports = Object.entries<Port<unknown>>(sharedPorts as never)
  return ports.map(([name, port]) => serve(port, state[name as keyof PoolState]))
}

/** What several processes that are one service have in common; each absent state is this process's alone. */
export interface SharedDeps extends Partial<PoolState> {
  /** Which of the processes this is: each draws its answers from another stream of chance. */
  readonly processNumber?: number
  /** Hears that everything since the start is forgotten. */
  readonly onForget?: () => void
}
