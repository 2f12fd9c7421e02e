import * as z from 'zod'
import type { AuditLog } from './audit-log.ts'
import type { TenantBook, TenantOutcome } from './tenant-book.ts'
import { fail, readText, type TwinAnswer, type TwinRoute } from './twin-route.ts'

const MAX_LOGS = 1_000
const MAX_OFFSET = 1_000_000

const logsQuery = z.object({
  limit: z.int().min(1).max(MAX_LOGS).default(100).describe('Number of records.'),
  offset: z.int().min(0).max(MAX_OFFSET).default(0).describe('Number of newer records to skip.'),
})

/** Returns the routes of tenants, their records, and the deletion of their state. */
export function tenantRoutes(tenants: TenantBook, audit: AuditLog): readonly TwinRoute[] {
  return [
    {
      method: 'POST',
      path: '/_twin/tenants',
      auth: 'public',
      members: ['friendly_name'],
      operation: 'twin.tenant.create',
      async handle({ body }) {
        const outcome = await tenants.create(readText(body, 'friendly_name') ?? '')
        if (outcome.kind !== 'done') return failure(outcome, 'Tenant')
        const { id, secret, friendlyName, createdAt } = outcome.value
        return {
          status: 201,
          body: { tenant_id: id, tenant_secret: secret, friendly_name: friendlyName, created_at: createdAt },
          audit: { tenant_id: id, resource: { type: 'tenant', id } },
        }
      },
    },
    {
      method: 'GET',
      path: '/_twin/tenants',
      auth: 'tenant',
      async handle({ tenant }) {
        const all = Object.entries(tenants.all).filter(([id]) => tenant === undefined || id === tenant)
        return {
          status: 200,
          body: {
            tenants: all.map(([id, { friendlyName, createdAt }]) => ({
              tenant_id: id,
              friendly_name: friendlyName,
              created_at: createdAt,
            })),
          },
        }
      },
    },
    {
      method: 'DELETE',
      path: '/_twin/tenants/{tenant}',
      auth: 'tenant',
      operation: 'twin.tenant.delete',
      async handle({ tenant, params: { tenant: id = '' } }) {
        const outcome = tenant === undefined || id === tenant ? await tenants.remove(id) : unknown
        if (outcome.kind !== 'done') return failure(outcome, 'Tenant')
        audit.clear(id)
        return {
          status: 200,
          body: { deleted: true, tenant_id: id },
          audit: { resource: { type: 'tenant', id } },
        }
      },
    },
    {
      method: 'GET',
      path: '/_twin/logs',
      auth: 'tenant',
      query: logsQuery,
      async handle({ tenant, query }) {
        const { limit, offset } = query as z.output<typeof logsQuery>
        return { status: 200, body: { logs: audit.read({ tenant, limit, offset }), limit, offset } }
      },
    },
    {
      method: 'POST',
      path: '/_twin/reset',
      auth: 'tenant',
      members: [],
      operation: 'twin.state.reset',
      async handle({ tenant }) {
        const outcome = await tenants.clear(tenant)
        if (outcome.kind !== 'done') return failure(outcome, 'Tenant')
        audit.clear(tenant)
        return {
          status: 200,
          body: { reset: true, deleted: outcome.value },
          audit: { details: { ...outcome.value } },
        }
      },
    },
  ]
}

const unknown = { kind: 'unknown' } as const

/** Returns the answer for a change that was not done. @param what `Tenant`, for example */
export function failure(
  outcome: Exclude<TenantOutcome<unknown>, { readonly kind: 'done' }>,
  what: string,
): TwinAnswer {
  switch (outcome.kind) {
    case 'unknown':
      return fail(404, `${what} not found`)
    case 'full':
      return fail(409, outcome.text)
    case 'busy':
      return fail(429, outcome.text, { 'Retry-After': '1' })
    default:
      return fail(400, outcome.text)
  }
}
