import { resourceNotFound } from '../wire/errors.ts'
import type { SourceName } from '../config/source-names.ts'
import { type OnTrace, traced, traceOf, tracedSource, wantsTrace, withTrace } from './trace.ts'
import { clientLeftReply } from './client-left-reply.ts'
import { failureReply, writeServiceHeaders, refuse } from './reply-headers.ts'
import type { Exchange } from './exchange.ts'
import { chain, type Run, type Source, type NamedStage, type Stage, catchMaybe, mapMaybe } from './stage.ts'
import type { Reply } from './reply.ts'
import { checksVersions, faultsAct, latencyActs, limitsAct } from './source-rules.ts'

/** The stages that admit a request and find its deployment. */
export interface AccessStages {
  /** Rejects an unknown api-version, and one that does not have the operation. */
  readonly checkApiVersion: Stage
  readonly authenticate: Stage
  readonly findDeployment: Stage
  /** Rejects an api-version that does not have the model of the deployment yet. */
  readonly checkModelVersion: Stage
}

/** The stages from other folders, in the order of the pipeline. */
export interface Stages {
  /** Counts requests and final answers in the metrics. */
  readonly observe: Stage
  /** Records requests and final answers in the journal; absent if the journal is off. */
  readonly journal?: Stage
  /** Exports requests and final answers; absent if telemetry is off. */
  readonly telemetry?: Stage
  /** Logs each request; absent if request logs are off. */
  readonly requestLog?: Stage
  readonly extensionHooks: readonly NamedStage[]
  readonly access: AccessStages
  /** Applies the current incident to the exchange, and reads the `x-sim-` headers. */
  readonly prepareFaults: Stage
  /** Applies the limits of the deployment, or the limiter named by the request. */
  readonly admit: Stage
  /** Injects faults into answers. */
  readonly injectFaults: Stage
  /** Waits for a slot of the deployment, and adds latency to the answer. */
  readonly addLatency: Stage
  readonly sources: Readonly<Record<SourceName, Source>>
}

/** Callbacks of the pipeline. */
export interface PipelineReports {
  /** Called when a stage throws, because of a bug in the simulator or in an extension. */
  readonly onFailure: (error: unknown, exchange: Exchange) => void
  /** Called when no source answers the path. */
  readonly onUnknownPath: (exchange: Exchange) => void
  /** Called with the trace of each request at the end of its answer; absent: only sampled requests and those with `x-sim-trace` are traced. */
  readonly onTrace?: OnTrace
}

/**
 * Creates the chain of stages between the arrival of a request and the sending of its answer, from the outside in: metrics,
 * journal, telemetry, request log, extensions, service headers, api-version, key, deployment, model version, incidents, limits,
 * faults, latency, source. It is the same for all sources; `source-rules.ts` defines which stages apply to which source.
 */
export function createPipeline(stages: Stages, reports: PipelineReports): Run {
  const answerFromSource: Run = (exchange) =>
    mapMaybe(stages.sources[exchange.source](exchange), (reply) => {
      if (reply) return reply
      reports.onUnknownPath(exchange)
      return refuse(resourceNotFound())
    })

  const { access } = stages
  const inner: readonly NamedStage[] = [
    ...stages.extensionHooks,
    { name: 'service-headers', stage: writeServiceHeaders },
    { name: 'api-version', acts: checksVersions, stage: access.checkApiVersion },
    { name: 'key', stage: access.authenticate },
    { name: 'deployment', stage: access.findDeployment },
    { name: 'model-version', acts: checksVersions, stage: access.checkModelVersion },
    { name: 'incidents', acts: faultsAct, stage: stages.prepareFaults },
    { name: 'limits', acts: limitsAct, stage: stages.admit },
    { name: 'faults', acts: faultsAct, stage: stages.injectFaults },
    { name: 'latency', acts: latencyActs, stage: stages.addLatency },
  ]
  const observers: readonly NamedStage[] = [
    { name: 'metrics', stage: stages.observe },
    ...(stages.journal ? [{ name: 'journal', stage: stages.journal } as const] : []),
    ...(stages.telemetry ? [{ name: 'telemetry', stage: stages.telemetry } as const] : []),
    ...(stages.requestLog ? [{ name: 'request-log', stage: stages.requestLog } as const] : []),
  ]

  /** Converts an error to an answer. Its message is logged, and never sent to the client. */
  const failed = (error: unknown, exchange: Exchange): Reply => {
    traceOf(exchange)?.answeredByFailure()
    if (exchange.ended && isAbort(error)) return clientLeftReply()
    reports.onFailure(error, exchange)
    return failureReply(exchange)
  }
  const build = (isTraced: boolean): Run => {
    const link = (list: readonly NamedStage[], innermost: Run): Run =>
      chain(isTraced ? list.map(traced) : list, innermost)
    const source = isTraced ? tracedSource((exchange) => exchange.source, answerFromSource) : answerFromSource
    const run = link(inner, source)
    const runSafely: Run = (exchange) =>
      catchMaybe(
        () => run(exchange),
        (error) => failed(error, exchange),
      )
    return link(observers, runSafely)
  }

  // Built twice, so that requests without a trace have no overhead.
  const plain = build(false)
  const withTraces = withTrace(build(true), reports.onTrace)
  return (exchange) =>
    reports.onTrace || exchange.recorder || wantsTrace(exchange) ? withTraces(exchange) : plain(exchange)
}

/** Returns whether an error was caused by an `AbortSignal`, such as that of the exchange after a disconnect. */
function isAbort(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at.name === 'AbortError') return true
  return false
}
