// The way of a request as docs/images/request-way.svg draws it. tests/request-way.test.ts sends requests down the
// pipeline and fails where this list and the code disagree.

import type { SourceName } from '../src/config/source-names.ts'
import type { StageName } from '../src/pipeline/stage.ts'

/** One stage on the way of a request, or who answers it in the end. */
export interface WayStage<Name extends string = StageName> {
  readonly name: Name
  /** Where it is, below src/, and the function there. */
  readonly file: string
  readonly code: string
  /** What it does, in a few words. */
  readonly does: string
  /** The statuses, by spaces, with which a request leaves the way here. */
  readonly leaves?: { readonly status: string; readonly when: string }
  /** The sources for whose requests it does something. */
  readonly sources: readonly SourceName[]
  /** The sources for whose requests it does something only where their deployment asks for it. */
  readonly whenAsked?: readonly SourceName[]
}

const everySource = ['generate', 'replay', 'record', 'forward'] as const
const simulated = ['generate', 'replay'] as const
const forwarding = ['record', 'forward'] as const

/** Stages that see every request and its final answer, whatever becomes of it in between. */
export const observers: readonly WayStage[] = [
  {
    name: 'metrics',
    file: 'metrics/metrics.ts',
    code: 'observe',
    does: 'counts requests, tokens and times: /metrics',
    sources: everySource,
  },
  {
    name: 'journal',
    file: 'journal/journal.ts',
    code: 'observe',
    does: 'keeps requests, judges retries: /++/requests',
    sources: everySource,
  },
  {
    name: 'telemetry',
    file: 'telemetry/telemetry.ts',
    code: 'observe',
    does: 'exports spans and metrics: OpenTelemetry',
    sources: everySource,
  },
  {
    name: 'request-log',
    file: 'journal/request-log.ts',
    code: 'logRequest',
    does: 'writes a line for each request: LOG_REQUESTS',
    sources: everySource,
  },
]

/** What comes after them, from the outside in; each stage may answer itself, and then nothing after it is asked. */
export const stages: readonly WayStage[] = [
  {
    name: 'extension',
    file: 'pipeline/pipeline.ts',
    code: 'extensionHooks',
    does: 'your hooks change requests and answers',
    leaves: { status: 'any', when: 'a hook answers itself' },
    sources: everySource,
  },
  {
    name: 'service-headers',
    file: 'pipeline/reply-headers.ts',
    code: 'writeServiceHeaders',
    does: 'on the way out: writes headers and errors',
    sources: everySource,
  },
  {
    name: 'api-version',
    file: 'access/find-deployment.ts',
    code: 'checkApiVersion',
    does: 'checks the version, and whether it has the operation',
    leaves: { status: '400 404', when: 'unknown, or missing' },
    sources: ['generate'],
  },
  {
    name: 'key',
    file: 'access/authenticate.ts',
    code: 'authenticate',
    does: 'api-key or bearer token',
    leaves: { status: '401', when: 'missing or wrong' },
    sources: everySource,
  },
  {
    name: 'deployment',
    file: 'access/find-deployment.ts',
    code: 'findDeployment',
    does: 'finds it by the path or by the model in the body',
    leaves: { status: '404', when: 'there is none of that name' },
    sources: everySource,
  },
  {
    name: 'model-version',
    file: 'access/find-deployment.ts',
    code: 'checkModelVersion',
    does: 'checks whether the version has the model',
    leaves: { status: '400', when: 'it is too old' },
    sources: ['generate'],
  },
  {
    name: 'incidents',
    file: 'faults/faults.ts',
    code: 'prepare',
    does: 'applies the present phase; reads x-sim-* headers',
    leaves: { status: '400', when: 'such a header is wrong' },
    sources: simulated,
    whenAsked: forwarding,
  },
  {
    name: 'limits',
    file: 'limits/admit.ts',
    code: 'admit',
    does: 'counts tokens and requests a minute, or capacity',
    leaves: { status: '429', when: 'with retry-after' },
    sources: simulated,
    whenAsked: forwarding,
  },
  {
    name: 'faults',
    file: 'faults/faults.ts',
    code: 'inject',
    does: 'replaces, delays or cuts the answer',
    leaves: { status: '4xx 5xx', when: 'by chance, or as asked for' },
    sources: simulated,
    whenAsked: forwarding,
  },
  {
    name: 'latency',
    file: 'latency/add-latency.ts',
    code: 'addLatency',
    does: 'waits for a free slot, plans when tokens are due',
    leaves: { status: '429 503', when: 'the queue is full, or too slow' },
    sources: simulated,
    whenAsked: forwarding,
  },
]

/** Who answers, by source. */
export const handlers: readonly WayStage<SourceName>[] = [
  {
    name: 'generate',
    file: 'generate/generate-mode.ts',
    code: 'createGenerateMode',
    does: 'makes it up',
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
    does: 'asks and stores',
    sources: ['record'],
  },
  {
    name: 'forward',
    file: 'upstream/forward.ts',
    code: 'createForwardSource',
    does: 'asks the service',
    sources: ['forward'],
  },
]
