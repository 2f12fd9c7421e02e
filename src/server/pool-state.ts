import { type Refusal, sentSecret } from '../access/credentials.ts'
import type { KnownSecrets } from '../config/redact-config.ts'
import { responseArchivePort } from '../generate/responses/response-archive.ts'
import { journalPort, type JournalSink } from '../journal/journal-sink.ts'
import { logPort } from '../journal/log-ring.ts'
import { tracePort, type TraceRecord, type TraceSink } from '../journal/trace-ring.ts'
import { concurrencyLimiterPort } from '../latency/concurrency-limiter.ts'
import type { Port } from '../lib/port.ts'
import { rateLimiterPort } from '../limits/rate-limiter.ts'
import { type ServedPort, serve } from '../shared/rpc/port-server.ts'
import { portClient } from '../shared/rpc/port-client.ts'
import type { Peer } from '../shared/rpc/peer.ts'
import { replayCursorsPort } from '../recordings/replay-cursors.ts'
import { recordingUsePort } from '../recordings/recording-use.ts'
import { auditPort } from './twin/audit-log.ts'

/** States that the processes of a worker pool share: the primary holds them, and workers call it. */
export const sharedPorts = {
  limits: rateLimiterPort,
  slots: concurrencyLimiterPort,
  responses: responseArchivePort,
  cursors: replayCursorsPort,
  journal: journalPort,
  audit: auditPort,
  logs: logPort,
  traces: tracePort,
  recordingUse: recordingUsePort,
} as const

type PortInterface<T> = T extends Port<infer P, never> ? P : never

/** The interfaces of the shared states. */
export type PoolState = {
  readonly [K in keyof typeof sharedPorts]: PortInterface<(typeof sharedPorts)[K]>
}

/** Returns clients for the states in the primary, for use in a worker. `peer` is the primary. */
export function remotePoolState(peer: Peer): PoolState {
  const ports = Object.entries<Port<unknown>>(sharedPorts as never)
  return Object.fromEntries(
    ports.map(([name, port]) => [name, portClient(port, peer)]),
  ) as unknown as PoolState
}

/** Returns the ports through which the primary serves its states to workers. */
export function servedPoolState(state: PoolState): ServedPort[] {
  const ports = Object.entries<Port<unknown>>(sharedPorts as never)
  return ports.map(([name, port]) => serve(port, state[name as keyof PoolState]))
}

/** State that several processes share. A state that is absent is local to the process. */
export interface SharedDeps extends Partial<PoolState> {
  /** The number of this worker process. Each has a separate random sequence. Absent in the primary. */
  readonly processNumber?: number
  /** Called when the simulator was reset. */
  readonly onReset?: () => void
}

/** Discards the requests that workers report when the journal is off. */
export const noopJournal: JournalSink = { started: () => undefined, ended() {} }

/** Wraps the journal that workers report to. Keys that only a worker has seen must not appear in it either. */
export function learningKeys(journal: JournalSink, secrets: KnownSecrets): JournalSink {
  return {
    started(call, plannedMs) {
      learnKey(call, secrets)
      return journal.started(call, plannedMs)
    },
    ended: (lease, end) => journal.ended(lease, end),
  }
}

/** Wraps the traces that workers report to, as `learningKeys` does for the journal. */
export function tracesLearningKeys(traces: TraceSink, secrets: KnownSecrets): TraceSink {
  return {
    opened: (record, read) => traces.opened(record, read),
    updated(lease, record) {
      learnKey(record, secrets)
      traces.updated(lease, record)
    },
    ended(lease, record) {
      learnKey(record, secrets)
      traces.ended(lease, record)
    },
    seen: (count) => traces.seen(count),
  }
}

/** Discards the traces that workers report when traces are off. */
export const noopTraces: TraceSink = { opened: () => undefined, updated() {}, ended() {}, seen() {} }

function learnKey(
  {
    caller,
    refusal,
    headers,
  }: Partial<Pick<TraceRecord, 'caller' | 'refusal'>> & Pick<TraceRecord, 'headers'>,
  secrets: KnownSecrets,
): void {
  const isKnownKey = caller?.startsWith('key:') === true || hasKnownKey.has(refusal)
  const key = isKnownKey ? sentSecret(headers) : undefined
  if (key !== undefined) secrets.learn(key)
}

/** Refusals of keys that the configuration has as a hash. */
const hasKnownKey: ReadonlySet<string | undefined> = new Set<Refusal>([
  'key-of-other-resource',
  'key-disabled',
])
