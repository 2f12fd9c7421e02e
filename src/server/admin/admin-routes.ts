import { z } from 'zod'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute } from './admin-route.ts'
import { clockRoutes } from './clock-routes.ts'
import { configRoutes } from './config-routes.ts'
import { deploymentRoutes } from './deployment-routes.ts'
import { incidentRoutes } from './incident-routes.ts'
import { journalRoutes } from './journal-routes.ts'
import { openapiDocument } from './openapi-document.ts'
import { recordingRoutes } from './recording-routes.ts'

/**
 * The table of the administration: every route, in the order of its documents.
 *
 * @param version of the package
 */
export function createAdminRoutes(simulator: Simulator, version: string): readonly AdminRoute[] {
  const routes: AdminRoute[] = [
    ...configRoutes(simulator),
    ...deploymentRoutes(simulator),
    ...journalRoutes(simulator),
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
      summary: 'Describe these routes',
      answers: { 200: { description: 'This document: OpenAPI 3.1.', schema: z.looseObject({}) } },
      handle: () => ({
        status: 200,
        body: (document ??= openapiDocument(routes, version)) as Record<string, unknown>,
      }),
    }),
  )
  return routes
}
