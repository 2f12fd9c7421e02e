import * as z from 'zod'
import { defaultResourceName } from '../../config/config.ts'
import { showValue } from '../../config/zod-problems.ts'
import type { Simulator } from '../simulator.ts'
import {
  errorAnswer,
  type Refusal,
  refuse,
  refuseProblems,
  type AdminRoute,
  defineRoute,
} from './admin-route.ts'
import {
  type DeploymentView,
  deploymentViewSchema,
  viewDeployment,
  viewDeployments,
} from './deployment-view.ts'
import { isRecord } from '../../lib/record.ts'

/** An entry of a deployment. `LiveConfig` validates its keys, as for the deployment file. */
const entrySchema = z.custom<Record<string, unknown>>(isRecord).meta({ id: 'Deployment' })

const viewsSchema = z
  .object({ deployments: z.record(z.string(), deploymentViewSchema).describe('By name.') })
  .meta({ id: 'DeploymentStates' })

/** Routes of the deployments of one resource, or of any. */
interface RouteGroup {
  readonly path: string
  /** Ends the operation ids: `listDeployments`. */
  readonly of: string
  readonly params: z.ZodObject
  readonly resourceOf: (params: Readonly<Record<string, unknown>>) => string
}

const name = z.string()

const ownGroup: RouteGroup = {
  path: '/++/deployments',
  of: '',
  params: z.object({}),
  resourceOf: () => defaultResourceName,
}

const resourceGroup: RouteGroup = {
  path: '/++/resources/{resource}/deployments',
  of: 'OfResource',
  params: z.object({ resource: z.string() }),
  resourceOf: ({ resource }) => String(resource),
}

/** Returns the routes of single deployments: those of the default resource, and those of any resource. */
export function deploymentRoutes(simulator: Simulator): readonly AdminRoute[] {
  return [ownGroup, resourceGroup].flatMap((group) => groupRoutes(simulator, group))
}

function groupRoutes(
  simulator: Simulator,
  { path: listPath, of, params, resourceOf }: RouteGroup,
): readonly AdminRoute[] {
  const { resources } = simulator
  const path = `${listPath}/{name}`
  const nameParams = params.extend({ name })
  const answer = async (
    status: number,
    resource: string,
    deployment: string,
  ): Promise<Refusal | { readonly status: number; readonly body: DeploymentView }> => {
    const body = await viewDeployment(simulator, resource, deployment)
    return body ? { status, body } : deploymentNotFound(simulator, resource, deployment)
  }
  const schema = deploymentViewSchema
  const isNamed = of !== ''
  const notFound = errorAnswer(isNamed ? 'Unknown resource or deployment.' : 'Unknown deployment.')

  return [
    defineRoute({
      method: 'GET',
      path: listPath,
      ...(isNamed && { params }),
      operationId: `listDeployments${of}`,
      summary: `List all deployments${isNamed ? ' of a resource' : ''} with their limit usage`,
      description: 'Reading uses no quota.',
      answers: {
        200: { description: 'The deployments by name.', schema: viewsSchema },
        ...(isNamed && { 404: errorAnswer('Unknown resource.') }),
      },
      async handle({ params: given }) {
        const resource = resourceOf(given)
        if (!resources.find(resource)) return resourceNotFound(simulator, resource)
        return { status: 200, body: { deployments: await viewDeployments(simulator, resource) } }
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      params: nameParams,
      operationId: `getDeployment${of}`,
      summary: `Get a deployment${isNamed ? ' of a resource' : ''} with its limit usage`,
      answers: { 200: { description: 'The deployment.', schema }, 404: notFound },
      handle: ({ params: given }) => answer(200, resourceOf(given), String(given['name'])),
    }),
    defineRoute({
      method: 'PUT',
      path,
      params: nameParams,
      operationId: `putDeployment${of}`,
      summary: `Create or replace a deployment${isNamed ? ' of a resource' : ''}`,
      description: 'Limit usage of an existing deployment of this name is kept.',
      body: {
        kind: 'json',
        description: 'An entry of the deployment file; keys in snake_case or in camelCase.',
        schema: entrySchema,
        example: { model: 'gpt-4o', tokens_per_minute: 60_000 },
        refuse: (body, given) => {
          const problem = `The body must be a mapping with at least a model or an upstream (got ${showValue(body)}). Send {"model": "gpt-4o"}, for example.`
          return refuseProblems('InvalidDeployment', `put the deployment ${showValue(given['name'])}`, [
            problem,
          ])
        },
      },
      answers: {
        200: { description: 'Replaced.', schema },
        201: { description: 'Created.', schema },
        400: errorAnswer('The entry is invalid. All problems are listed, and nothing has changed.'),
        ...(isNamed && { 404: errorAnswer('Unknown resource.') }),
      },
      async handle({ params: given, body }) {
        const [resource, deployment] = [resourceOf(given), String(given['name'])]
        const outcome = await resources.putDeployment(resource, deployment, body)
        if (outcome.kind === 'unknown') return resourceNotFound(simulator, resource)
        if (outcome.kind === 'invalid')
          return refuseProblems(
            'InvalidDeployment',
            `put the deployment ${showValue(deployment)}`,
            outcome.problems,
          )
        const isNew = outcome.kind === 'done' && outcome.value === 'created'
        return answer(isNew ? 201 : 200, resource, deployment)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path,
      params: nameParams,
      operationId: `deleteDeployment${of}`,
      summary: `Delete a deployment${isNamed ? ' of a resource' : ''}`,
      description: 'Open requests are answered.',
      answers: {
        204: { description: 'Deleted.' },
        400: errorAnswer('In use: another deployment spills over to it, or a fault names it.'),
        404: notFound,
      },
      async handle({ params: given }) {
        const [resource, deployment] = [resourceOf(given), String(given['name'])]
        const deployments = simulator.config.resources.get(resource)?.deployments
        const outcome = await resources.removeDeployment(resource, deployment)
        if (outcome.kind === 'unknown') return deploymentNotFound(simulator, resource, deployment)
        if (outcome.kind === 'done') return { status: 204 }
        const dependents = [...(deployments?.values() ?? [])].filter(
          (other) => other.spilloverTo === deployment,
        )
        const reasons = dependents.map(
          (other) => `${showValue(other.name)} spills over to it. Change ${showValue(other.name)} first.`,
        )
        const problems = outcome.kind === 'invalid' ? outcome.problems : []
        return refuseProblems(
          'DeploymentNeeded',
          `remove the deployment ${showValue(deployment)}`,
          reasons.length > 0 ? reasons : problems,
        )
      },
    }),
  ]
}

function deploymentNotFound(simulator: Simulator, resource: string, deployment: string): Refusal {
  const view = simulator.config.resources.get(resource)
  if (!view) return resourceNotFound(simulator, resource)
  const { deployments } = view
  const names = [...deployments.keys()].slice(0, 20).join(', ')
  const message = `Could not find the deployment ${showValue(deployment)}. Known deployments: ${names}${deployments.size > 20 ? ', ...' : ''}.`
  return refuse(404, 'DeploymentNotFound', message)
}

/** Returns the 404 for an unknown resource, with the names of the known ones. */
export function resourceNotFound({ config }: Simulator, resource: string): Refusal {
  const names = [...config.resources.keys()].slice(0, 20).join(', ')
  const message = `Could not find the resource ${showValue(resource)}. Known resources: ${names}${config.resources.size > 20 ? ', ...' : ''}.`
  return refuse(404, 'ResourceNotFound', message)
}
