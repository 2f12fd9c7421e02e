import { z } from 'zod'
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

const path = '/++/deployments/{name}'
const params = z.object({ name: z.string() })

/** An entry of a deployment. `LiveConfig` validates its keys, as for the deployment file. */
const entrySchema = z.custom<Record<string, unknown>>(isRecord).meta({ id: 'Deployment' })

const viewsSchema = z
  .object({ deployments: z.record(z.string(), deploymentViewSchema).describe('By name.') })
  .meta({ id: 'DeploymentStates' })

/** The routes apply to this resource. */
const resource = defaultResourceName

/** Returns the routes of single deployments. */
export function deploymentRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { live } = simulator
  const answer = async (
    status: number,
    name: string,
  ): Promise<Refusal | { readonly status: number; readonly body: DeploymentView }> => {
    const body = await viewDeployment(simulator, resource, name)
    return body ? { status, body } : deploymentNotFound(simulator, name)
  }
  const schema = deploymentViewSchema
  const notFound = errorAnswer('Unknown deployment.')

  return [
    defineRoute({
      method: 'GET',
      path: '/++/deployments',
      operationId: 'listDeployments',
      summary: 'List all deployments with their limit usage',
      description: 'Reading uses no quota.',
      answers: { 200: { description: 'The deployments by name.', schema: viewsSchema } },
      handle: async () => ({
        status: 200,
        body: { deployments: await viewDeployments(simulator, resource) },
      }),
    }),
    defineRoute({
      method: 'GET',
      path,
      params,
      operationId: 'getDeployment',
      summary: 'Get a deployment with its limit usage',
      answers: { 200: { description: 'The deployment.', schema }, 404: notFound },
      handle: ({ params: { name } }) => answer(200, name),
    }),
    defineRoute({
      method: 'PUT',
      path,
      params,
      operationId: 'putDeployment',
      summary: 'Create or replace a deployment',
      description: 'Limit usage of an existing deployment of this name is kept.',
      body: {
        kind: 'json',
        description: 'An entry of the deployment file; keys in snake_case or in camelCase.',
        schema: entrySchema,
        example: { model: 'gpt-4o', tokens_per_minute: 60_000 },
        refuse: (body, { name }) => {
          const problem = `The body must be a mapping with at least a model (got ${showValue(body)}). Send {"model": "gpt-4o"}, for example.`
          return refuseProblems('InvalidDeployment', `put the deployment ${showValue(name)}`, [problem])
        },
      },
      answers: {
        200: { description: 'Replaced.', schema },
        201: { description: 'Created.', schema },
        400: errorAnswer('The entry is invalid. All problems are listed, and nothing has changed.'),
      },
      async handle({ params: { name }, body }) {
        const { problems, before } = await live.putDeployment(name, body, resource)
        if (problems.length > 0) {
          return refuseProblems('InvalidDeployment', `put the deployment ${showValue(name)}`, problems)
        }
        return answer(before.defaultResource.deployments.has(name) ? 200 : 201, name)
      },
    }),
    defineRoute({
      method: 'DELETE',
      path,
      params,
      operationId: 'deleteDeployment',
      summary: 'Delete a deployment',
      description: 'Open requests are answered.',
      answers: {
        204: { description: 'Deleted.' },
        400: errorAnswer('In use: another deployment spills over to it, or a fault names it.'),
        404: notFound,
      },
      async handle({ params: { name } }) {
        if (!simulator.config.defaultResource.deployments.has(name))
          return deploymentNotFound(simulator, name)
        const { problems, before } = await live.putDeployment(name, null, resource)
        if (problems.length > 0) {
          const dependents = [...before.defaultResource.deployments.values()].filter(
            (other) => other.spilloverTo === name,
          )
          const reasons = dependents.map(
            (other) => `${showValue(other.name)} spills over to it. Change ${showValue(other.name)} first.`,
          )
          return refuseProblems(
            'DeploymentNeeded',
            `remove the deployment ${showValue(name)}`,
            reasons.length > 0 ? reasons : problems,
          )
        }
        return { status: 204 }
      },
    }),
  ]
}

function deploymentNotFound({ config }: Simulator, name: string): Refusal {
  const { deployments } = config.defaultResource
  const names = [...deployments.keys()].slice(0, 20).join(', ')
  const message = `Could not find the deployment ${showValue(name)}. Known deployments: ${names}${deployments.size > 20 ? ', ...' : ''}.`
  return refuse(404, 'DeploymentNotFound', message)
}
