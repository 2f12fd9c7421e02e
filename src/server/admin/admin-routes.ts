import { z } from 'zod'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer, refuse } from './admin-route.ts'
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
import { upstreamRoutes } from './upstream-routes.ts'
import { openapiDocument } from './openapi-document.ts'

const saved = z.int().min(0).describe('Number of written interactions.')

/** Returns the routes of recordings. */
function recordingRoutes(simulator: Simulator): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/++/save-recordings',
      operationId: 'saveRecordings',
      summary: 'Write recordings that are in memory',
      description: 'Needed only with RECORDING_AUTOSAVE=false.',
      answers: {
        200: { description: 'All recordings are written.', schema: z.object({ saved }) },
        400: errorAnswer('The mode does not record.'),
        500: errorAnswer(
          'Some could not be written and stay in memory. `saved` is the number of the others.',
        ),
      },
      async handle() {
        const recorders = simulator.recordings.flatMap(({ recorder }) => recorder ?? [])
        if (recorders.length === 0) {
          const message = `Could not save recordings: ${simulator.config.defaultResource.mode} mode does not record. Start with SIMULATOR_MODE=record.`
          return refuse(400, 'NotRecording', message)
        }
        const reports = await Promise.all(recorders.map((recorder) => recorder.save()))
        const saved = reports.reduce((sum, report) => sum + report.saved, 0)
        const unsaved = reports.reduce((sum, report) => sum + report.unsaved, 0)
        const failures = reports.flatMap((report) => report.failures)
        if (failures.length === 0) return { status: 200, body: { saved } }
        const message = `Could not write ${unsaved} interactions; they stay in memory. ${failures.join(' ')}`
        const { status, body } = refuse(500, 'RecordingsNotSaved', message)
        return { status, body: { saved, ...body } }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/replay-cursors',
      operationId: 'resetReplayCursors',
      summary: 'Replay repeated recordings from the first one',
      query: z.object({
        test: z
          .string()
          .optional()
          .describe('Name of a test, as in REPLAY_TEST_HEADER. Default: all requests.'),
      }),
      answers: { 204: { description: 'The next request gets the first recording.' } },
      async handle({ query: { test } }) {
        await simulator.poolState.cursors.clear?.(test)
        return { status: 204 }
      },
    }),
  ]
}

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
  let document: object | undefined
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
