import * as z from 'zod'
import { showValue } from '../../config/zod-problems.ts'
import { isRecord } from '../../lib/record.ts'
import type { Simulator } from '../simulator.ts'
import { UpstreamBook } from '../upstream-book.ts'
import {
  type AdminRoute,
  defineRoute,
  errorAnswer,
  type Refusal,
  refuse,
  refuseProblems,
} from './admin-route.ts'

const path = '/++/upstreams/{upstream}'
const params = z.object({ upstream: z.string() })

/** An entry of an upstream. `UpstreamBook` validates its keys, as for the configuration file. */
const entrySchema = z.custom<Record<string, unknown>>(isRecord).meta({ id: 'Upstream' })

const summarySchema = z
  .object({
    endpoint: z.string().nullable(),
    kind: z.string().nullable().describe('API of the service, as in UPSTREAM_KIND.'),
    credential: z.string().nullable().describe('As in UPSTREAM_CREDENTIAL.'),
    complete: z.boolean().describe('False if the default upstream lacks its address or its key.'),
    used_by: z.array(z.string()).readonly().describe('Deployments and resources that name it.'),
  })
  .meta({ id: 'UpstreamState' })

const checkSchema = z
  .object({
    ok: z.boolean().describe('Whether address, TLS and credential work.'),
    ms: z.number().describe('Duration in milliseconds.'),
    status: z.number().optional().describe('Status of the answer; absent without one.'),
    problem: z.string().optional().describe('Cause and fix, without secrets; absent if it works.'),
  })
  .meta({ id: 'UpstreamCheck' })

/** Returns the routes of upstreams. */
export function upstreamRoutes({ live, verifyUpstream }: Simulator): readonly AdminRoute[] {
  const upstreams = new UpstreamBook(live)
  const notFound = (name: string): Refusal => {
    const known = upstreams.names().slice(0, 20).join(', ')
    return refuse(
      404,
      'UpstreamNotFound',
      `Could not find the upstream ${showValue(name)}. Known upstreams: ${known || 'none'}.`,
    )
  }
  const answer = (status: number, name: string) => {
    const body = upstreams.show(name)
    return body ? { status, body } : notFound(name)
  }
  const entry = { description: 'The entry. Secrets are `[redacted]`.', schema: entrySchema }
  return [
    defineRoute({
      method: 'GET',
      path: '/++/upstreams',
      operationId: 'listUpstreams',
      summary: 'List the services that requests are forwarded to',
      answers: {
        200: {
          description: 'The upstreams by name.',
          schema: z.object({ upstreams: z.record(z.string(), summarySchema) }).meta({ id: 'Upstreams' }),
        },
      },
      async handle() {
        const all = upstreams.names().map((name) => [name, summarize(upstreams, name)] as const)
        return { status: 200, body: { upstreams: Object.fromEntries(all) } }
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      params,
      operationId: 'getUpstream',
      summary: 'Get an upstream',
      answers: { 200: entry, 404: errorAnswer('Unknown upstream.') },
      handle: async ({ params: { upstream } }) => answer(200, upstream),
    }),
    defineRoute({
      method: 'PUT',
      path,
      params,
      operationId: 'putUpstream',
      summary: 'Create or replace an upstream',
      description:
        'The next request uses it, with new connections and tokens. Running requests keep the previous one. A secret that is sent as `[redacted]` stays the same.',
      body: {
        kind: 'json',
        description: 'An entry of upstreams in the configuration file; keys in snake_case or in camelCase.',
        schema: entrySchema,
        example: { endpoint: 'https://my-resource.openai.azure.com', credential: 'entra', retries: 1 },
        refuse: (body, { upstream }) => {
          const problem = `The body must be a mapping (got ${showValue(body)}). Send {"endpoint": "https://...", "key": "..."}, for example.`
          return refuseProblems('InvalidUpstream', `put the upstream ${showValue(upstream)}`, [problem])
        },
      },
      answers: {
        200: { ...entry, description: 'Replaced.' },
        201: { ...entry, description: 'Created.' },
        400: errorAnswer('The entry is invalid. All problems are listed, and nothing has changed.'),
      },
      async handle({ params: { upstream }, body }) {
        const outcome = await upstreams.put(upstream, body)
        if (outcome.kind === 'done') return answer(outcome.isNew ? 201 : 200, upstream)
        const problems = outcome.kind === 'unknown' ? [] : outcome.problems
        return refuseProblems('InvalidUpstream', `put the upstream ${showValue(upstream)}`, problems)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path,
      params,
      operationId: 'deleteUpstream',
      summary: 'Delete an upstream',
      description: 'Running requests are answered.',
      answers: {
        204: { description: 'Deleted.' },
        404: errorAnswer('Unknown upstream.'),
        409: errorAnswer('In use: the problems name the deployments and resources.'),
      },
      async handle({ params: { upstream } }) {
        const outcome = await upstreams.remove(upstream)
        if (outcome.kind === 'done') return { status: 204 }
        if (outcome.kind === 'unknown') return notFound(upstream)
        const { body } = refuseProblems(
          'UpstreamNeeded',
          `delete the upstream ${showValue(upstream)}`,
          outcome.problems,
        )
        return { status: 409, body }
      },
    }),
    defineRoute({
      method: 'POST',
      path: `${path}/verify`,
      params,
      operationId: 'verifyUpstream',
      summary: 'Check that an upstream works',
      description:
        'Sends one request that costs nothing, such as for the list of models. Checks address, TLS and credential. With `credential: caller` it checks address and TLS.',
      answers: {
        200: { description: 'Whether it works.', schema: checkSchema },
        404: errorAnswer('Unknown upstream.'),
      },
      async handle({ params: { upstream } }) {
        const found = upstreams.find(upstream)
        if (found) return { status: 200, body: await verifyUpstream(found) }
        if (!upstreams.names().includes(upstream)) return notFound(upstream)
        const problem =
          'Could not verify the default upstream: it lacks its address or its key. Set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_KEY.'
        return { status: 200, body: { ok: false, ms: 0, problem } }
      },
    }),
  ]
}

function summarize(upstreams: UpstreamBook, name: string): z.output<typeof summarySchema> {
  const upstream = upstreams.find(name)
  const shown = upstreams.show(name) ?? {}
  const text = (key: string): string | null => (typeof shown[key] === 'string' ? shown[key] : null)
  return {
    endpoint: upstream?.endpoint ?? text('endpoint'),
    kind: upstream?.kind ?? text('kind'),
    credential: upstream?.credential.kind ?? text('credential'),
    complete: upstream !== undefined,
    used_by: upstreams.usersOf(name),
  }
}
