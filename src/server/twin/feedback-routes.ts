import * as z from 'zod'
import { type Feedback, feedbackStatuses } from '../../config/patches.ts'
import { showValue } from '../../config/zod-problems.ts'
import { administratorId } from './audit-log.ts'
import type { TenantBook } from './tenant-book.ts'
import { failure } from './tenant-routes.ts'
import { fail, InvalidMember, readText, type TwinAnswer, type TwinRoute } from './twin-route.ts'

const MAX_TEXT_LENGTH = 4_000
const MAX_CONTEXT_LENGTH = 4_000

const statusSchema = z.enum(feedbackStatuses)
const listQuery = z.object({ status: statusSchema.optional().describe('Only feedback with this status.') })

/** Returns the routes of feedback. */
export function feedbackRoutes(tenants: TenantBook): readonly TwinRoute[] {
  return [
    {
      method: 'POST',
      path: '/_twin/feedback',
      auth: 'tenant',
      members: ['body', 'category', 'context'],
      operation: 'twin.feedback.submit',
      async handle({ tenant = administratorId, body: { body, context, ...others } }) {
        const text = (readText({ body }, 'body', MAX_TEXT_LENGTH) ?? '').trim()
        if (text === '') return fail(400, `'body' is required`)
        const category = readText(others, 'category') ?? ''
        const given = { body: text, category, context: readContext(context) }
        const outcome = await tenants.addFeedback(tenant, given)
        if (outcome.kind !== 'done') return failure(outcome, 'Feedback')
        const { id } = outcome.value
        return {
          status: 201,
          body: shown(outcome.value),
          audit: { ...about(id), details: { category } },
        }
      },
    },
    {
      method: 'GET',
      path: '/_twin/feedback',
      auth: 'tenant',
      query: listQuery,
      async handle({ tenant, query: { status } }) {
        const all = tenants.feedback(tenant)
        const found = status === undefined ? all : all.filter((one) => one.status === status)
        return { status: 200, body: { feedback: found.map(shown) } }
      },
    },
    {
      method: 'PATCH',
      path: '/_twin/feedback/{id}',
      auth: 'admin',
      members: ['status'],
      operation: 'twin.feedback.update',
      async handle({ params: { id = '' }, body }) {
        const status = statusSchema.safeParse(body['status'])
        if (!status.success) {
          return fail(
            400,
            `'status' must be one of ${feedbackStatuses.join(', ')} (got ${showValue(body['status'])}).`,
          )
        }
        const outcome = await tenants.setFeedbackStatus(id, status.data)
        if (outcome.kind !== 'done') return failure(outcome, 'Feedback')
        return {
          status: 200,
          body: shown(outcome.value),
          audit: { ...about(id), details: { status: status.data } },
        }
      },
    },
    {
      method: 'DELETE',
      path: '/_twin/feedback/{id}',
      auth: 'tenant',
      operation: 'twin.feedback.delete',
      async handle({ tenant, params: { id = '' } }) {
        const outcome = await tenants.removeFeedback(id, tenant)
        if (outcome.kind !== 'done') return failure(outcome, 'Feedback')
        return { status: 200, body: { deleted: true, id }, audit: about(id) }
      },
    },
  ]
}

function about(id: string): Pick<NonNullable<TwinAnswer['audit']>, 'resource'> {
  return { resource: { type: 'feedback', id } }
}

function readContext(context: unknown = null): unknown {
  if (context === null) return {}
  if (JSON.stringify(context).length <= MAX_CONTEXT_LENGTH) return context
  throw new InvalidMember(`'context' must have at most ${MAX_CONTEXT_LENGTH} characters as JSON.`)
}

function shown({ id, tenant, body, category, context, status, createdAt, updatedAt }: Feedback): object {
  return {
    id,
    tenant_id: tenant,
    body,
    category,
    context,
    status,
    date_created: createdAt,
    date_updated: updatedAt,
  }
}
