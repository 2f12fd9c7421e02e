// The stages of the request pipeline for the diagram and the table in docs/architecture.md. tests/request-way.test.ts
// sends requests through the pipeline and fails if this list differs from the code.

import type { SourceName } from '../src/config/source-names.ts'
import type { StageName } from '../src/pipeline/stage.ts'

/** A stage of the pipeline or a source. */
export interface DiagramStage<Name extends string = StageName> {
  readonly name: Name
  /** Path below src/, and the function in it. */
  readonly file: string
  readonly code: string
  /** Short description. */
  readonly does: string
  /** Statuses, separated by spaces, with which the stage can end a request. */
  readonly canEndWith?: { readonly status: string; readonly when: string }
  /** Sources that the stage applies to. */
  readonly sources: readonly SourceName[]
  /** Sources that the stage applies to only if the deployment configures it. */
  readonly ifConfigured?: readonly SourceName[]
}

const everySource = ['generate', 'replay', 'record', 'forward'] as const
const simulated = ['generate', 'replay'] as const
const forwarding = ['record', 'forward'] as const

/** Stages that see every request and its final answer. */
export const observers: readonly DiagramStage[] = [
  {
    name: 'metrics',
    file: 'metrics/metrics.ts',
    code: 'observe',
    does: 'counts requests, tokens and times (/metrics)',
    sources: everySource,
  },
  {
    name: 'journal',
    file: 'journal/journal.ts',
    code: 'observe',
    does: 'stores requests, checks retries (/++/requests)',
    sources: everySource,
  },
  {
    name: 'telemetry',
    file: 'telemetry/telemetry.ts',
    code: 'observe',
    does: 'exports spans and metrics (OpenTelemetry)',
    sources: everySource,
  },
  {
    name: 'request-log',
    file: 'journal/request-log.ts',
    code: 'logRequest',
    does: 'writes one line per request (LOG_REQUESTS)',
    sources: everySource,
  },
]

/** The other stages, outermost first. Each can answer itself; later stages are then skipped. */
export const stages: readonly DiagramStage[] = [
  {
    name: 'extension',
    file: 'pipeline/pipeline.ts',
    code: 'extensionHooks',
    does: 'hooks change requests and answers',
    canEndWith: { status: 'any', when: 'a hook answers' },
    sources: everySource,
  },
  {
    name: 'service-headers',
    file: 'pipeline/reply-headers.ts',
    code: 'writeServiceHeaders',
    does: 'writes headers and errors of the answer',
    sources: everySource,
  },
  {
    name: 'api-version',
    file: 'access/find-deployment.ts',
    code: 'checkApiVersion',
    does: 'checks that the version has the operation',
    canEndWith: { status: '400 404', when: 'unknown or missing' },
    sources: ['generate'],
  },
  {
    name: 'key',
    file: 'access/access.ts',
    code: 'authenticate',
    does: 'checks api-key or bearer token',
    canEndWith: { status: '401', when: 'missing or wrong' },
    sources: everySource,
  },
  {
    name: 'deployment',
    file: 'access/find-deployment.ts',
    code: 'findDeployment',
    does: 'finds it by path, or by model in the body',
    canEndWith: { status: '404', when: 'unknown deployment' },
    sources: everySource,
  },
  {
    name: 'model-version',
    file: 'access/find-deployment.ts',
    code: 'checkModelVersion',
    does: 'checks that the version has model and features',
    canEndWith: { status: '400', when: 'version too old' },
    sources: ['generate'],
  },
  {
    name: 'incidents',
    file: 'faults/faults.ts',
    code: 'prepare',
    does: 'applies the current phase, reads x-sim-* headers',
    canEndWith: { status: '400', when: 'invalid x-sim-* header' },
    sources: simulated,
    ifConfigured: forwarding,
  },
  {
    name: 'limits',
    file: 'limits/admit.ts',
    code: 'admit',
    does: 'checks tokens and requests per minute, or PTUs',
    canEndWith: { status: '429', when: 'limit exceeded' },
    sources: simulated,
    ifConfigured: forwarding,
  },
  {
    name: 'faults',
    file: 'faults/faults.ts',
    code: 'inject',
    does: 'replaces, delays or interrupts the answer',
    canEndWith: { status: '4xx 5xx', when: 'random or requested' },
    sources: simulated,
    ifConfigured: forwarding,
  },
  {
    name: 'latency',
    file: 'latency/add-latency.ts',
    code: 'addLatency',
    does: 'waits for a slot, sets due times of tokens',
    canEndWith: { status: '429 503', when: 'queue full or timed out' },
    sources: simulated,
    ifConfigured: forwarding,
  },
]

/** Sources. */
export const handlers: readonly DiagramStage<SourceName>[] = [
  {
    name: 'generate',
    file: 'generate/generate-mode.ts',
    code: 'createGenerateMode',
    does: 'creates answers',
    sources: ['generate'],
  },
  {
    name: 'replay',
    file: 'recordings/replay-mode.ts',
    code: 'answer',
    does: 'finds a recording',
    sources: ['replay'],
  },
  {
    name: 'record',
    file: 'recordings/record-mode.ts',
    code: 'createRecorder',
    does: 'forwards, stores',
    sources: ['record'],
  },
  {
    name: 'forward',
    file: 'upstream/forward.ts',
    code: 'createForwardSource',
    does: 'forwards',
    sources: ['forward'],
  },
]
