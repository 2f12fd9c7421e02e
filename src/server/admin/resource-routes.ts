import * as z from 'zod'
import { inputsOf } from '../../config/apply-patches.ts'
import { defaultResourceName } from '../../config/config.ts'
import type { ResourceInputs } from '../../config/read-inputs.ts'
import { showEntry, showKey } from '../../config/resource-entry.ts'
import { showValue } from '../../config/zod-problems.ts'
import { isRecord, ownValue } from '../../lib/record.ts'
import type { Simulator } from '../simulator.ts'
import {
  errorAnswer,
  type Refusal,
  refuse,
  refuseProblems,
  type AdminRoute,
  defineRoute,
} from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'

const path = '/++/resources/{resource}'
const keysPath = `${path}/keys`
const keyPath = `${keysPath}/{id}`
const params = z.object({ resource: z.string() })
const keyParams = params.extend({ id: z.string() })

const keySchema = z
  .object({
    id: z.string(),
    label: z.string().nullable(),
    enabled: z.boolean().describe('Whether requests with the key are accepted.'),
    created_at: z.string().nullable().describe('RFC 3339; null for a key of the configuration.'),
  })
  .meta({ id: 'ResourceKey' })

const addedKeySchema = keySchema
  .extend({ key: z.string().describe('The key. Only this answer has it.') })
  .meta({ id: 'AddedResourceKey' })

const summaryShape = {
  path: z.string().describe('Prefix of its paths; empty for the default resource.'),
  region: z.string(),
  deployments: z.int().min(0).describe('Number of deployments.'),
  keys: z.int().min(0).describe('Number of keys.'),
  tokens: z.string().describe('Accepted tokens, as in ENTRA_TOKENS.'),
  tenant: z.string().nullable().describe('Tenant of /_twin that owns it.'),
  created_at: z.string().nullable().describe('RFC 3339; null for a resource of the configuration.'),
}

const summariesSchema = z
  .object({ resources: z.record(z.string(), z.object(summaryShape)).describe('By name.') })
  .meta({ id: 'Resources' })

const entrySchema = z.custom<Record<string, unknown>>(isRecord).meta({ id: 'ResourceEntry' })

const resourceSchema = z
  .object({ name: z.string(), ...summaryShape, entry: entrySchema })
  .meta({ id: 'ResourceState', description: 'A resource and its entry, without secrets.' })

type ResourceState = z.output<typeof resourceSchema>

/** Returns the routes of resources and of their keys. */
export function resourceRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { resources, live } = simulator
  const invalid = errorAnswer('The entry is invalid. All problems are listed, and nothing has changed.')
  const notFound = errorAnswer('Unknown resource.')
  const state = { description: 'The resource.', schema: resourceSchema }
  const answer = (status: number, name: string): Refusal | { status: number; body: ResourceState } => {
    const body = showResource(simulator, name)
    return body ? { status, body } : resourceNotFound(simulator, name)
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/++/resources',
      operationId: 'listResources',
      summary: 'List all resources',
      answers: { 200: { description: 'The resources by name.', schema: summariesSchema } },
      async handle() {
        const names = [...simulator.config.resources.keys()]
        const all = names.map((name) => [name, summarize(simulator, name)] as const)
        return {
          status: 200,
          body: { resources: Object.fromEntries(all) as z.output<typeof summariesSchema>['resources'] },
        }
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      params,
      operationId: 'getResource',
      summary: 'Get a resource',
      answers: { 200: state, 404: notFound },
      handle: async ({ params: { resource } }) => answer(200, resource),
    }),
    defineRoute({
      method: 'PUT',
      path,
      params,
      operationId: 'putResource',
      summary: 'Create or replace a resource',
      description:
        'A replaced resource keeps its state, such as limit usage, and its keys unless the entry has keys. Changes of its settings and deployments since its creation are discarded.',
      body: {
        kind: 'json',
        description: 'An entry of resources in the configuration file; names in snake_case or in camelCase.',
        schema: entrySchema,
        example: {
          region: 'Sweden Central',
          deployments: { chat: { model: 'gpt-4o', tokens_per_minute: 60_000 } },
        },
        refuse: (body, { resource }) => {
          const problem = `The body must be a mapping (got ${showValue(body)}). Send {"deployments": {}}, for example.`
          return refuseProblems('InvalidResource', `put the resource ${showValue(resource)}`, [problem])
        },
      },
      answers: {
        200: { ...state, description: 'Replaced.' },
        201: { ...state, description: 'Created. Add a key to use it.' },
        400: invalid,
      },
      async handle({ params: { resource }, body }) {
        const outcome = await resources.put(resource, body)
        if (outcome.kind === 'done') return answer(outcome.value === 'created' ? 201 : 200, resource)
        const problems = outcome.kind === 'invalid' ? outcome.problems : []
        return refuseProblems('InvalidResource', `put the resource ${showValue(resource)}`, problems)
      },
    }),
    defineRoute({
      method: 'PATCH',
      path,
      params,
      operationId: 'patchResource',
      summary: 'Change a resource',
      description:
        'A JSON merge patch (RFC 7396) of its settings, deployments and faults. Null resets a setting to that of the default resource, and removes a deployment.',
      body: {
        kind: 'json',
        description: 'The changed settings, with deployments and faults.',
        schema: z.unknown().meta({ id: 'ResourcePatch' }),
        example: { region: 'Sweden Central', deployments: { chat: { tokens_per_minute: 1000 } } },
      },
      answers: { 200: { ...state, description: 'The changed resource.' }, 400: invalid, 404: notFound },
      async handle({ params: { resource }, body }) {
        if (!resources.find(resource)) return resourceNotFound(simulator, resource)
        const { problems } = await live.patch(patchOf(body), resource)
        if (problems.length === 0) return answer(200, resource)
        return refuseProblems('InvalidResource', `change the resource ${showValue(resource)}`, problems)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path,
      params,
      operationId: 'deleteResource',
      summary: 'Delete a resource with its deployments, keys and state',
      description: 'Open requests are answered. A later resource of the same name has none of its state.',
      answers: {
        204: { description: 'Deleted.' },
        400: errorAnswer('The default resource cannot be deleted.'),
        404: notFound,
      },
      async handle({ params: { resource } }) {
        if (resource === defaultResourceName) {
          return refuse(
            400,
            'DefaultResource',
            'Could not delete the default resource: it has the paths without a prefix. Delete its deployments instead.',
          )
        }
        const outcome = await resources.remove(resource)
        if (outcome.kind === 'done') return { status: 204 }
        if (outcome.kind === 'invalid')
          return refuseProblems(
            'InvalidResource',
            `delete the resource ${showValue(resource)}`,
            outcome.problems,
          )
        return resourceNotFound(simulator, resource)
      },
    }),
    ...keyRoutes(simulator),
  ]
}

function keyRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { resources } = simulator
  const notFound = errorAnswer('Unknown resource or key.')
  const refused = (resource: string, id: string): Refusal => {
    const own = resources.find(resource)
    if (!own) return resourceNotFound(simulator, resource)
    const ids = (own.keys ?? []).slice(0, 20).map((key) => key.id)
    return refuse(
      404,
      'KeyNotFound',
      `Could not find the key ${showValue(id)}. Known keys: ${ids.join(', ') || 'none'}.`,
    )
  }
  return [
    defineRoute({
      method: 'GET',
      path: keysPath,
      params,
      operationId: 'listResourceKeys',
      summary: 'List the keys of a resource',
      description: 'A key itself cannot be read again, because only its hash is stored.',
      answers: {
        200: {
          description: 'The keys.',
          schema: z.object({ keys: z.array(keySchema) }).meta({ id: 'ResourceKeys' }),
        },
        404: errorAnswer('Unknown resource.'),
      },
      async handle({ params: { resource } }) {
        const own = resources.find(resource)
        if (!own) return resourceNotFound(simulator, resource)
        return { status: 200, body: { keys: (own.keys ?? []).map(showKey) } }
      },
    }),
    defineRoute({
      method: 'POST',
      path: keysPath,
      params,
      operationId: 'addResourceKey',
      summary: 'Add a key to a resource',
      body: {
        kind: 'json',
        description: 'A label for people, and the key; by default, 64 random hexadecimal digits.',
        schema: z.strictObject({
          label: z.string().max(100).optional(),
          key: z
            .string()
            .regex(/^[\x21-\x7e]{16,256}$/, 'must be 16 to 256 visible ASCII characters without spaces')
            .optional(),
        }),
        example: { label: 'load test' },
      },
      answers: {
        201: { description: 'The key.', schema: addedKeySchema },
        400: errorAnswer('The body is invalid, or the resource has too many keys.'),
        404: errorAnswer('Unknown resource.'),
        409: errorAnswer('The resource has this key already.'),
      },
      async handle({ params: { resource }, body }) {
        const outcome = await resources.addKey(resource, body)
        switch (outcome.kind) {
          case 'done':
            return { status: 201, body: { ...showKey(outcome.value), key: outcome.value.text } }
          case 'exists':
            return refuse(
              409,
              'KeyExists',
              `Could not add the key: the resource ${showValue(resource)} has it already.`,
            )
          case 'invalid':
            return refuseProblems('InvalidKey', `add a key to ${showValue(resource)}`, outcome.problems)
          default:
            return resourceNotFound(simulator, resource)
        }
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: keyPath,
      params: keyParams,
      operationId: 'changeResourceKey',
      summary: 'Enable or disable a key, or change its label',
      body: {
        kind: 'json',
        description: 'The changed members.',
        schema: z.strictObject({ enabled: z.boolean().optional(), label: z.string().max(100).optional() }),
        example: { enabled: false },
      },
      answers: { 200: { description: 'The key.', schema: keySchema }, 404: notFound },
      async handle({ params: { resource, id }, body }) {
        const outcome = await resources.changeKey(resource, id, body)
        return outcome.kind === 'done' ? { status: 200, body: showKey(outcome.value) } : refused(resource, id)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: keyPath,
      params: keyParams,
      operationId: 'deleteResourceKey',
      summary: 'Delete a key',
      description: 'The next request with the key, or with a token that it has issued, gets 401.',
      answers: { 204: { description: 'Deleted.' }, 404: notFound },
      async handle({ params: { resource, id } }) {
        const outcome = await resources.removeKey(resource, id)
        return outcome.kind === 'done' ? { status: 204 } : refused(resource, id)
      },
    }),
  ]
}

/** Returns the patch in the form of the configuration, which names deployments like the Python simulator. */
function patchOf(body: unknown): unknown {
  if (!isRecord(body) || !Object.hasOwn(body, 'deployments')) return body
  const { deployments, ...rest } = body
  return { ...rest, openai_deployments: deployments }
}

function summarize(
  { config, live }: Simulator,
  name: string,
): Omit<ResourceState, 'name' | 'entry'> | undefined {
  const view = config.resources.get(name)
  if (!view) return undefined
  return {
    path: name === defaultResourceName ? '' : `/${name}`,
    region: view.region,
    deployments: view.deployments.size,
    keys: view.keys.size,
    tokens: view.entra.tokens,
    tenant: view.tenant ?? null,
    created_at: ownValue(live.patches.made, name)?.createdAt ?? null,
  }
}

function showResource(simulator: Simulator, name: string): ResourceState | undefined {
  const summary = summarize(simulator, name)
  const inputs: ResourceInputs | undefined = inputsOf(simulator.live.inputs, name)
  return summary && inputs && { name, ...summary, entry: showEntry(inputs) }
}
