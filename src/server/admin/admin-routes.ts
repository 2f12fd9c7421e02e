import * as z from 'zod'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute } from './admin-route.ts'
import { clockRoutes } from './clock-routes.ts'
import { configFileRoutes } from './config-file-routes.ts'
import { configRoutes } from './config-routes.ts'
import { deploymentRoutes } from './deployment-routes.ts'
import { resourceRoutes } from './resource-routes.ts'
import { incidentRoutes } from './incident-routes.ts'
import { journalRoutes } from './journal-routes.ts'
import { logRoutes } from './log-routes.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { LiveFeed } from './live-feed.ts'
import { eventRoutes, statsRoutes } from './stats-routes.ts'
import { traceRoutes } from './trace-routes.ts'
import { recordingRoutes } from './recording-routes.ts'
import { upstreamRoutes } from './upstream-routes.ts'
import { openapiDocument } from './openapi-document.ts'

/** The same for all simulators of a process. */
let document: object | undefined

/**
 * Returns all routes of the admin API, in the order of the documentation.
 *
 * @param version version of the package
 * @param metrics of all processes; default: those of this process
 */
export function createAdminRoutes(
  simulator: Simulator,
  version: string,
  metrics: Pick<Metrics, 'toJson'> = simulator.metrics,
): readonly AdminRoute[] {
  const startedMs = simulator.clock.nowMs()
  const routes: AdminRoute[] = [
    ...configRoutes(simulator),
    ...configFileRoutes(simulator),
    ...deploymentRoutes(simulator),
    ...resourceRoutes(simulator),
    ...upstreamRoutes(simulator),
    ...journalRoutes(simulator),
    ...statsRoutes(simulator, metrics, startedMs),
    ...eventRoutes(simulator, new LiveFeed({ simulator, metrics, startedMs })),
    ...logRoutes(simulator),
    ...traceRoutes(simulator),
    ...clockRoutes(simulator),
    ...recordingRoutes(simulator),
    ...incidentRoutes(simulator),
  ]
  routes.push(
    defineRoute({
      method: 'GET',
      path: '/++/openapi.json',
      operationId: 'getOpenApi',
      summary: 'Get this OpenAPI document',
      answers: { 200: { description: 'This document: OpenAPI 3.1.', schema: z.looseObject({}) } },
      handle: async () => ({
        status: 200,
        body: (document ??= openapiDocument(routes, version)) as Record<string, unknown>,
      }),
    }),
  )
  return routes
}
