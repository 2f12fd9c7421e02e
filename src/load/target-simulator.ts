import { nearestNames } from '../lib/nearest-names.ts'
import type { LoadPlan } from './load-plan.ts'
import type { LoadReport } from './load-report.ts'

type SimulatorReport = NonNullable<LoadReport['simulator']>

/** Asks a simulator about itself. Anything else at the address has nothing to tell, and is asked no further. */
export interface TargetSimulator {
  /** What is wrong with the deployment of the plan, for the operator; undefined where nothing is or nobody can tell. */
  checkDeployment(): Promise<string | undefined>
  /** Notes the figures of this moment: what came before them is no part of the report. */
  restart(): Promise<void>
  /** Whether the simulator kept up since then; null where there is none. */
  read(): Promise<SimulatorReport | null>
}

/** A simulator that does not answer in this time is asked no further. */
const timeoutMs = 5_000
/** The simulator's own bounds (docs/timing.md): later than this is late, and more than this share is too much. */
const lateSeconds = '0.025'
const lateShare = 0.01
const fewestParts = 50
/** How long its gauge stays at 1. */
const gaugeHoldMs = 60_000
const mostNames = 10

interface Figures {
  readonly atMs: number
  readonly mode: string | undefined
  readonly parts: number
  readonly lateParts: number
  readonly isBottleneck: boolean
}

/** Prepares to ask the target of a plan. */
export function targetSimulator({ url, apiKey, deployment }: LoadPlan): TargetSimulator {
  const prefix = url.pathname.replace(/\/+$/, '')
  const get = async (path: string, headers: Record<string, string> = {}): Promise<string | undefined> => {
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(new URL(prefix + path, url), { headers, redirect: 'manual', signal })
      const text = await response.text()
      return response.status === 200 ? text : undefined
    } catch {
      return undefined
    }
  }
  const figures = async (): Promise<Figures | undefined> => readFigures((await get('/metrics')) ?? '')
  let before: Figures | undefined
  let isConfigured: boolean | null = null

  return {
    async checkDeployment() {
      const found = await figures()
      // In the other modes answers do not come from deployments.
      if (!found || (found.mode ?? 'generate') !== 'generate') return undefined
      const names = deploymentNames(await get('/++/deployments', { 'api-key': apiKey }))
      if (!names) return undefined
      isConfigured = names.includes(deployment)
      return isConfigured ? undefined : describeUnknown(deployment, names)
    },
    async restart() {
      before = await figures()
    },
    async read() {
      const after = await figures()
      if (!after) return null
      // Of a simulator that was started again meanwhile, only its own figures are left.
      const from = before && before.parts <= after.parts ? before : undefined
      const parts = after.parts - (from?.parts ?? 0)
      const lateParts = after.lateParts - (from?.lateParts ?? 0)
      // The gauge may be that of a run before.
      const isOwnGauge = from?.isBottleneck !== true || after.atMs - from.atMs > gaugeHoldMs
      const wasLate = parts >= fewestParts && lateParts > parts * lateShare
      return {
        deploymentConfigured: isConfigured,
        parts,
        lateParts,
        wasBottleneck: wasLate || (after.isBottleneck && isOwnGauge),
      }
    },
  }
}

/** Undefined where the text is not that of a simulator. */
function readFigures(text: string): Figures | undefined {
  const gauge = /^aoai_simulator_bottleneck (\d)/m.exec(text)?.[1]
  if (gauge === undefined) return undefined
  const parts = sumOf(text, /^aoai_simulator_lateness_seconds_count\{[^}]*\} (\d+)/gm)
  const inTime = [...text.matchAll(/^aoai_simulator_lateness_seconds_bucket\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels = '']) => labels.includes(`le="${lateSeconds}"`))
    .reduce((sum, [, , count]) => sum + Number(count), 0)
  return {
    atMs: performance.now(),
    mode: /^aoai_simulator_info\{[^}]*\bmode="(\w+)"/m.exec(text)?.[1],
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
  const more = names.length > mostNames ? ', ...' : ''
  const known = names.length === 0 ? 'none' : `${names.slice(0, mostNames).join(', ')}${more}`
  return `The simulator has no deployment ${deployment}: it answers without limits, and by the latency of the settings alone.${hint} Configured: ${known}.`
}
