import { nearestNames } from '../lib/nearest-names.ts'
import type { LoadPlan } from './load-plan.ts'
import type { LoadReport } from './load-report.ts'

type SimulatorReport = NonNullable<LoadReport['simulator']>

/** Queries a target that is a simulator. Any other target is only asked for `/metrics`. */
export interface TargetSimulator {
  /** Returns a warning if the simulator does not have the deployment. Undefined if it has, or if that is unknown. */
  checkDeployment(): Promise<string | undefined>
  /** Reads the metrics. The report excludes everything before. */
  restart(): Promise<void>
  /** Reports whether the simulator was fast enough since the restart. Null if the target is not a simulator. */
  read(): Promise<SimulatorReport | null>
}

const TIMEOUT_MS = 5_000
// The simulator's own limits (docs/timing.md).
/** Bucket of tokens and answers that are not late. */
const LATE_SECONDS_BUCKET = '0.025'
const MAX_LATE_SHARE = 0.01
const MIN_PARTS = 50
/** How long the gauge of the simulator stays at 1. */
const GAUGE_HOLD_MS = 60_000
const MAX_LISTED_NAMES = 10

interface Metrics {
  readonly atMs: number
  readonly mode: string | undefined
  /** Deployments with limits. */
  readonly limited: readonly string[]
  readonly parts: number
  readonly lateParts: number
  readonly isBottleneck: boolean
}

/** Returns a client for the target of a plan. */
export function targetSimulator({
  url,
  apiKey,
  adminKey = apiKey,
  deployment,
}: Pick<LoadPlan, 'url' | 'apiKey' | 'adminKey' | 'deployment'>): TargetSimulator {
  const prefix = url.pathname.replace(/\/+$/, '')
  const get = async (path: string, headers: Record<string, string> = {}): Promise<string | undefined> => {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(new URL(path, url), { headers, redirect: 'manual', signal })
      const text = await response.text()
      return response.status === 200 ? text : undefined
    } catch {
      return undefined
    }
  }
  // A resource is a path prefix. The pages of its simulator have none.
  const resource = /^\/([a-z0-9-]+)$/.exec(prefix)?.[1]
  let base: string | undefined
  const readAt = async (pages: string): Promise<Metrics | undefined> => {
    const found = readMetrics((await get(`${pages}/metrics`)) ?? '', pages === prefix ? undefined : resource)
    if (found) base = pages
    return found
  }
  const readCurrent = async (): Promise<Metrics | undefined> => {
    if (base !== undefined) return readAt(base)
    return (await readAt(prefix)) ?? (resource === undefined ? undefined : readAt(''))
  }
  let before: Metrics | undefined
  let isConfigured: boolean | null = null

  return {
    async checkDeployment() {
      const found = await readCurrent()
      // In the other modes, deployments do not matter.
      if (!found || (found.mode ?? 'generate') !== 'generate') return undefined
      const ofResource = base === prefix ? '' : `/resources/${resource}`
      const list = await get(`${base}/++${ofResource}/deployments`, { 'api-key': adminKey })
      const names = deploymentNames(list)
      if (!names) {
        // The key of a resource does not open the admin API, but the metrics name all deployments with limits.
        if (found.limited.includes(deployment)) isConfigured = true
        return undefined
      }
      isConfigured = names.includes(deployment)
      return isConfigured ? undefined : describeUnknown(deployment, names)
    },
    async restart() {
      before = await readCurrent()
    },
    async read() {
      const after = await readCurrent()
      if (!after) return null
      // After a restart of the simulator, its counters start at 0.
      const from = before && before.parts <= after.parts ? before : undefined
      const parts = after.parts - (from?.parts ?? 0)
      const lateParts = after.lateParts - (from?.lateParts ?? 0)
      // The gauge may still be set by an earlier run.
      const isOwnGauge = from?.isBottleneck !== true || after.atMs - from.atMs > GAUGE_HOLD_MS
      const wasLate = parts >= MIN_PARTS && lateParts > parts * MAX_LATE_SHARE
      return {
        deploymentConfigured: isConfigured,
        parts,
        lateParts,
        wasBottleneck: wasLate || (after.isBottleneck && isOwnGauge),
      }
    },
  }
}

/**
 * Returns undefined if the text is not from a simulator, or if the simulator does not have the resource.
 *
 * @param resource undefined for the default one
 */
function readMetrics(text: string, resource: string | undefined): Metrics | undefined {
  const gauge = /^aoai_simulator_bottleneck (\d)/m.exec(text)?.[1]
  if (gauge === undefined) return undefined
  const own = resource === undefined ? '' : `resource="${resource}",`
  const info = resource === undefined ? 'aoai_simulator_info' : 'aoai_resource_info'
  const mode = new RegExp(`^${info}\\{${own}(?:[^}]*,)?mode="(\\w+)"`, 'm').exec(text)
  if (resource !== undefined && !mode) return undefined
  const limits = new RegExp(`^aoai_deployment_limit_per_minute\\{${own}deployment="([^"]*)"`, 'gm')
  const parts = sumOf(text, /^aoai_simulator_lateness_seconds_count\{[^}]*\} (\d+)/gm)
  const inTime = [...text.matchAll(/^aoai_simulator_lateness_seconds_bucket\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels = '']) => labels.includes(`le="${LATE_SECONDS_BUCKET}"`))
    .reduce((sum, [, , count]) => sum + Number(count), 0)
  return {
    atMs: performance.now(),
    mode: mode?.[1],
    limited: Array.from(text.matchAll(limits), ([, name = '']) => name),
    parts,
    lateParts: parts - inTime,
    isBottleneck: gauge === '1',
  }
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0)
}

function deploymentNames(text: string | undefined): string[] | undefined {
  try {
    const { deployments } = JSON.parse(text ?? '') as { readonly deployments?: unknown }
    return typeof deployments === 'object' && deployments !== null ? Object.keys(deployments) : undefined
  } catch {
    return undefined
  }
}

function describeUnknown(deployment: string, names: readonly string[]): string {
  const [nearest] = nearestNames(deployment, names, 1)
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  const more = names.length > MAX_LISTED_NAMES ? ', ...' : ''
  const known = names.length === 0 ? 'none' : `${names.slice(0, MAX_LISTED_NAMES).join(', ')}${more}`
  return `The simulator has no deployment ${deployment}: it answers without limits and with the latency of the settings.${hint} Configured: ${known}.`
}
