import { mapInBatches } from '../../lib/queues.ts'
import { roundTo } from '../../lib/format-text.ts'
import * as z from 'zod'
import type { ResourceConfig } from '../../config/config.ts'
import type { Deployment } from '../../config/deployments.ts'
import { limitsRequests } from '../../limits/limit-plan.ts'
import { limitSubject, MAX_CONCURRENT_READS, outputLimitSubject } from '../../limits/limit-readings.ts'
import type { PayAsYouGoStatus, ProvisionedStatus, WindowStatus } from '../../limits/rate-limiter.ts'
import type { Occupancy } from '../../limits/occupancy.ts'
import type { Simulator } from '../simulator.ts'

const nonNegative = z.number().min(0)
const wholeNumber = z.int().min(0)
const freeInSeconds = nonNegative.describe('Time until the next request is admitted; 0 is now.')
const emptyInSeconds = nonNegative.describe('Time until all usage has expired.')

const windowSchema = z.object({
  limit: z.int().min(1),
  used: nonNegative,
  remaining: nonNegative,
  window_seconds: nonNegative.describe('Length of the window.'),
  free_in_seconds: freeInSeconds,
  empty_in_seconds: emptyInSeconds,
})

export const limitsSchema = z
  .union([
    z.object({
      kind: z.literal('pay-as-you-go'),
      tokens: windowSchema
        .nullable()
        .describe(
          'Null if tokens are not limited. Of a Claude model: estimated input tokens without those read from the cache.',
        ),
      output_tokens: windowSchema
        .optional()
        .describe('Estimated output tokens; only for Claude models with a limit of them.'),
      requests: windowSchema
        .nullable()
        .describe('In the window that causes 429s. Null if requests are not limited.'),
      requests_in_minute: windowSchema
        .nullable()
        .describe('As shown in headers. Null if requests are not limited.'),
    }),
    z.object({
      kind: z.literal('provisioned'),
      utilization: nonNegative.describe('1 is 100 %.'),
      free_in_seconds: freeInSeconds,
      empty_in_seconds: emptyInSeconds,
    }),
  ])
  .nullable()
  .describe('Null without limits.')

export const slotsSchema = z
  .object({
    slots: z.int().min(1).nullable().describe('Null if unlimited.'),
    working: wholeNumber,
    waiting: wholeNumber,
    free: wholeNumber.nullable(),
  })
  .nullable()
  .describe('Null without slots.')

/** A configured deployment and its current state. */
export const deploymentViewSchema = z
  .looseObject({ live: z.object({ limits: limitsSchema, slots: slotsSchema }) })
  .meta({ id: 'DeploymentState', description: 'A deployment and its current state.' })

export type DeploymentView = z.output<typeof deploymentViewSchema>
export type LiveState = DeploymentView['live']

/** State of a deployment without limits and slots. */
export const noLiveState: LiveState = { limits: null, slots: null }

/** Returns all deployments of a resource, by name. */
export async function viewDeployments(
  simulator: Simulator,
  resource: string,
): Promise<Record<string, DeploymentView>> {
  const config = simulator.config.resources.get(resource)
  if (!config) return {}
  const busy = busyDeployments(simulator, config.id)
  const views = await mapInBatches(
    [...config.deployments],
    MAX_CONCURRENT_READS,
    async ([name, deployment]): Promise<[string, DeploymentView]> => [
      name,
      await view(simulator, { resource, config, deployment, occupancy: busy.get(name) }),
    ],
  )
  return Object.fromEntries(views)
}

/** Returns the current state of all deployments of a resource, by name. */
export async function viewLiveStates(
  simulator: Simulator,
  resource: string,
): Promise<ReadonlyMap<string, LiveState>> {
  const config = simulator.config.resources.get(resource)
  if (!config) return new Map()
  const busy = busyDeployments(simulator, config.id)
  return new Map(
    await mapInBatches(
      [...config.deployments],
      MAX_CONCURRENT_READS,
      async ([name, deployment]): Promise<[string, LiveState]> => [
        name,
        await liveState(simulator, { resource, config, deployment, occupancy: busy.get(name) }),
      ],
    ),
  )
}

/** Returns a deployment, or undefined if the resource does not have it. */
export async function viewDeployment(
  simulator: Simulator,
  resource: string,
  name: string,
): Promise<DeploymentView | undefined> {
  const config = simulator.config.resources.get(resource)
  const deployment = config?.deployments.get(name)
  if (!config || !deployment) return undefined
  const occupancy = busyDeployments(simulator, config.id).get(name)
  return view(simulator, { resource, config, deployment, occupancy })
}

function busyDeployments(simulator: Simulator, id: string): ReadonlyMap<string, Occupancy> {
  const ofResource = [...simulator.occupancy()].filter(({ resource }) => resource === id)
  return new Map(ofResource.map((occupancy) => [occupancy.deployment, occupancy]))
}

interface DeploymentInfo {
  readonly resource: string
  readonly config: ResourceConfig
  readonly deployment: Deployment
  readonly occupancy: Occupancy | undefined
}

async function view(simulator: Simulator, viewed: DeploymentInfo): Promise<DeploymentView> {
  const entry = simulator.live.shownDeployment(viewed.deployment.name, viewed.resource) as object
  return { ...entry, live: await liveState(simulator, viewed) }
}

async function liveState(
  { poolState, incidents }: Simulator,
  { resource, config, deployment, occupancy }: DeploymentInfo,
): Promise<LiveState> {
  const phase = incidents.phaseOf(resource)
  const subject = limitSubject(config, deployment, phase)
  const status = subject && (await poolState.limits.status(subject))
  const outputSubject = outputLimitSubject(config, deployment, phase)
  const output = outputSubject && (await poolState.limits.status(outputSubject))
  return {
    limits: showLimits(status, output),
    slots: showSlots(deployment, occupancy),
  }
}

function showLimits(
  status: PayAsYouGoStatus | ProvisionedStatus | undefined,
  output: PayAsYouGoStatus | ProvisionedStatus | undefined,
): LiveState['limits'] {
  if (!status) return null
  if (status.kind === 'provisioned') {
    const { kind, utilization, freeInMs, emptyInMs } = status
    return {
      kind,
      utilization: roundTo(utilization, 4),
      free_in_seconds: seconds(freeInMs),
      empty_in_seconds: seconds(emptyInMs),
    }
  }
  const { kind, tokens, requests, requestsInMinute } = status
  const isCounted = limitsRequests({ requestsPerMinute: requestsInMinute.limit })
  return {
    kind,
    tokens: tokens ? showWindow(tokens) : null,
    ...(output?.kind === 'pay-as-you-go' && output.tokens && { output_tokens: showWindow(output.tokens) }),
    requests: isCounted ? showWindow(requests) : null,
    requests_in_minute: isCounted ? showWindow(requestsInMinute) : null,
  }
}

function showWindow({
  limit,
  used,
  remaining,
  windowMs,
  freeInMs,
  emptyInMs,
}: WindowStatus): z.output<typeof windowSchema> {
  return {
    limit,
    used,
    remaining,
    window_seconds: windowMs / 1_000,
    free_in_seconds: seconds(freeInMs),
    empty_in_seconds: seconds(emptyInMs),
  }
}

function showSlots({ latency }: Deployment, occupancy: Occupancy | undefined): LiveState['slots'] {
  const slots = latency?.concurrency?.slots
  if (slots === undefined && latency?.load === undefined) return null
  const { working = 0, waiting = 0 } = occupancy ?? {}
  return {
    slots: slots ?? null,
    working,
    waiting,
    free: slots === undefined ? null : Math.max(0, slots - working),
  }
}

/** Converts to seconds, rounded up to a millisecond, so that a client that waits this long waits long enough. */
function seconds(ms: number): number {
  return Math.ceil(ms) / 1_000
}
