import { randomInt } from 'node:crypto'
import { defaultResourceName } from '../../config/config.ts'
import type { ResourceInputs } from '../../config/read-inputs.ts'
import { showValue } from '../../config/zod-problems.ts'
import { fieldsOf, ownValue } from '../../lib/record.ts'
import { findModel, nearestModelNames } from '../../wire/models/model-catalogue.ts'
import { deploymentNameRule, isDeploymentName, isResourceName, resourceNameRule } from '../../wire/route.ts'
import type { Outcome } from '../resource-book.ts'
import type { Simulator } from '../simulator.ts'
import {
  fail,
  InvalidMember,
  readText,
  type TwinAnswer,
  type TwinRequest,
  type TwinRoute,
} from './twin-route.ts'

/** The entry of a new resource. It never forwards requests with the key of the operator, and has only configured deployments. */
const newResource = {
  simulator_mode: 'generate',
  tokens: 'own',
  allow_undefined_openai_deployments: false,
}

const resourcePath = '/_twin/resources/{resource}'
const keysPath = `${resourcePath}/api_keys`
const deploymentsPath = `${resourcePath}/deployments`

const resourceNotFound = fail(404, 'Resource not found')

/** Returns the routes of resources, their keys and their deployments. */
export function resourceRoutes(simulator: Simulator): readonly TwinRoute[] {
  const { resources, live } = simulator
  return [
    {
      method: 'POST',
      path: '/_twin/resources',
      auth: 'tenant',
      members: ['resource_id', 'friendly_name', 'tenant_id'],
      operation: 'twin.resource.create',
      async handle({ tenant: caller, body, origin }) {
        const friendlyName = readText(body, 'friendly_name') ?? ''
        const tenant = readText(body, 'tenant_id') ?? caller
        if (caller !== undefined && tenant !== caller)
          return fail(400, `'tenant_id' must be your own (got ${showValue(tenant)}). Leave it out.`)
        const name = readName(body, 'resource_id', isResourceName, resourceNameRule) ?? generateName('r-')
        const outcome = await resources.create(name, newResource, { tenant, friendlyName })
        switch (outcome.kind) {
          case 'done':
            return {
              status: 201,
              body: {
                resource_id: name,
                tenant_id: tenant ?? null,
                friendly_name: friendlyName,
                base_url: `${origin}/${name}`,
              },
              audit: aboutResource(name),
            }
          case 'exists':
            return fail(409, `Resource '${name}' already exists. Choose another 'resource_id'.`)
          case 'unknown':
            return fail(400, `'tenant_id' must be the id of a tenant (got ${showValue(tenant)}).`)
          default:
            return refuse(outcome)
        }
      },
    },
    {
      method: 'GET',
      path: '/_twin/resources',
      auth: 'tenant',
      async handle({ tenant, origin }) {
        const { made } = live.patches
        const shown = Object.entries(live.inputs.resources ?? {}).flatMap(([name, inputs]) =>
          tenant === undefined || inputs.tenant === tenant
            ? [
                {
                  resource_id: name,
                  tenant_id: inputs.tenant ?? null,
                  friendly_name: ownValue(made, name)?.friendlyName ?? '',
                  base_url: `${origin}/${name}`,
                },
              ]
            : [],
        )
        return { status: 200, body: { resources: shown } }
      },
    },
    {
      method: 'DELETE',
      path: resourcePath,
      auth: 'tenant',
      operation: 'twin.resource.delete',
      async handle({ tenant, params: { resource = '' } }) {
        const outcome = await resources.remove(resource, { tenant })
        if (outcome.kind !== 'done') return notDone(outcome, resourceNotFound)
        return { status: 200, body: { deleted: true, resource_id: resource }, audit: aboutResource(resource) }
      },
    },
    ...keyRoutes(simulator),
    ...deploymentRoutes(simulator),
  ]
}

function keyRoutes({ resources }: Simulator): readonly TwinRoute[] {
  return [
    {
      method: 'POST',
      path: keysPath,
      auth: 'tenant',
      members: ['friendly_name'],
      operation: 'twin.api_key.create',
      async handle(request) {
        const { tenant, body, params } = request
        const { resource = '' } = params
        if (!findResource(resources, request)) return resourceNotFound
        const friendlyName = readText(body, 'friendly_name') ?? ''
        const outcome = await resources.addKey(resource, { label: friendlyName || undefined }, { tenant })
        if (outcome.kind !== 'done') return notDone(outcome, resourceNotFound)
        const { id, text } = outcome.value
        return {
          status: 201,
          body: { key_id: id, api_key: text, resource_id: resource, friendly_name: friendlyName },
          audit: aboutPart('api_key', id, resource),
        }
      },
    },
    {
      method: 'GET',
      path: keysPath,
      auth: 'tenant',
      async handle(request) {
        const own = findResource(resources, request)
        if (!own) return resourceNotFound
        const shown = (own.keys ?? []).map(({ id, label = '', createdAt = null }) => ({
          key_id: id,
          resource_id: request.params['resource'],
          friendly_name: label,
          date_created: createdAt,
        }))
        return { status: 200, body: { api_keys: shown } }
      },
    },
    {
      method: 'DELETE',
      path: `${keysPath}/{key}`,
      auth: 'tenant',
      operation: 'twin.api_key.delete',
      async handle(request) {
        const { tenant, params } = request
        const { resource = '', key = '' } = params
        if (!findResource(resources, request)) return resourceNotFound
        const outcome = await resources.removeKey(resource, key, { tenant })
        if (outcome.kind !== 'done') return notDone(outcome, fail(404, 'API key not found'))
        return {
          status: 200,
          body: { deleted: true, key_id: key },
          audit: aboutPart('api_key', key, resource),
        }
      },
    },
  ]
}

function deploymentRoutes({ resources, live }: Simulator): readonly TwinRoute[] {
  return [
    {
      method: 'POST',
      path: deploymentsPath,
      auth: 'tenant',
      members: ['model', 'deployment_id', 'friendly_name'],
      operation: 'twin.deployment.create',
      async handle(request) {
        const { tenant, body, params } = request
        const { resource = '' } = params
        const own = findResource(resources, request)
        if (!own) return resourceNotFound
        const model = readModel(body, own)
        const friendlyName = readText(body, 'friendly_name') ?? ''
        const name =
          readName(body, 'deployment_id', isDeploymentName, deploymentNameRule) ?? generateName('dep-')
        const options = { tenant, onlyNew: true, friendlyName }
        const outcome = await resources.putDeployment(resource, name, { model }, options)
        if (outcome.kind === 'exists')
          return fail(
            409,
            `Deployment '${name}' already exists in this resource. Choose another 'deployment_id'.`,
          )
        if (outcome.kind !== 'done') return notDone(outcome, resourceNotFound)
        return {
          status: 201,
          body: { resource_id: resource, deployment_id: name, model, friendly_name: friendlyName },
          audit: aboutPart('deployment', name, resource, { model }),
        }
      },
    },
    {
      method: 'GET',
      path: deploymentsPath,
      auth: 'tenant',
      async handle(request) {
        const { resource = '' } = request.params
        const own = findResource(resources, request)
        if (!own) return resourceNotFound
        const { friendlyNames } = ownValue(live.patches.resources, resource) ?? {}
        const shown = Object.entries(fieldsOf(own.deployments.entries)).map(([name, entry]) => ({
          resource_id: resource,
          deployment_id: name,
          model: fieldsOf(entry)['model'],
          friendly_name: ownValue(friendlyNames, name) ?? '',
        }))
        return { status: 200, body: { deployments: shown } }
      },
    },
    {
      method: 'DELETE',
      path: `${deploymentsPath}/{deployment}`,
      auth: 'tenant',
      operation: 'twin.deployment.delete',
      async handle(request) {
        const { tenant, params } = request
        const { resource = '', deployment = '' } = params
        if (!findResource(resources, request)) return resourceNotFound
        const outcome = await resources.removeDeployment(resource, deployment, { tenant })
        if (outcome.kind !== 'done') return notDone(outcome, fail(404, 'Deployment not found'))
        return {
          status: 200,
          body: { deleted: true, deployment_id: deployment },
          audit: aboutPart('deployment', deployment, resource),
        }
      },
    },
  ]
}

/** Returns the resource in the path. That of another tenant, like the default resource, is unknown. */
function findResource(
  resources: Simulator['resources'],
  { tenant, params: { resource = '' } }: TwinRequest,
): ResourceInputs | undefined {
  return resource === defaultResourceName ? undefined : resources.find(resource, { tenant })
}

function readName(
  body: TwinRequest['body'],
  member: string,
  isValid: (name: string) => boolean,
  rule: string,
): string | undefined {
  const { [member]: name } = body
  if (name === undefined || name === null) return undefined
  if (typeof name === 'string' && isValid(name)) return name
  throw new InvalidMember(`'${member}' ${rule} (got ${showValue(name)}).`)
}

function readModel({ model }: TwinRequest['body'], { models }: ResourceInputs): string {
  if (model === undefined || model === null || model === '') throw new InvalidMember(`'model' is required`)
  if (typeof model === 'string' && findModel(model, models)) return model
  const nearest = typeof model === 'string' ? nearestModelNames(model, models) : []
  const advice = nearest.length === 0 ? '' : ` Did you mean ${nearest.join(', ')}?`
  throw new InvalidMember(`'model' must be the name of a model (got ${showValue(model)}).${advice}`)
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

function generateName(prefix: string): string {
  return prefix + Array.from({ length: 11 }, () => letters.charAt(randomInt(letters.length))).join('')
}

function notDone(
  outcome: Exclude<Outcome<unknown>, { readonly kind: 'done' }>,
  notFound: TwinAnswer,
): TwinAnswer {
  return outcome.kind === 'invalid' ? refuse(outcome) : notFound
}

function refuse({
  problems,
  isFull = false,
}: Extract<Outcome<unknown>, { readonly kind: 'invalid' }>): TwinAnswer {
  return fail(isFull ? 409 : 400, problems.join(' '))
}

type About = NonNullable<TwinAnswer['audit']>

function aboutResource(id: string): About {
  return { resource: { type: 'resource', id } }
}

function aboutPart(type: string, id: string, resource: string, more: object = {}): About {
  return { resource: { type, id }, details: { resource_id: resource, ...more } }
}
