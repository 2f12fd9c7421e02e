import * as z from 'zod'
import { defaultResourceName } from '../../config/config.ts'
import type { IncidentOptions } from '../../config/incident-file.ts'
import { inputsOf } from '../../config/apply-patches.ts'
import {
  type FileFormat,
  fileFormats,
  writeConfigFile,
  writeIncidentFile,
} from '../../config/write-config-file.ts'
import type { Simulator } from '../simulator.ts'
import {
  type AdminRoute,
  type AnswerFile,
  defineRoute,
  errorAnswer,
  type Refusal,
  refuse,
} from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'

const typeOf = { yaml: 'application/yaml', json: 'application/json' } as const

const query = z.object({
  format: z
    .enum(fileFormats)
    .default('json')
    .describe('Format of the file. YAML lists the variables to set as comments.'),
  part: z
    .enum(['all', 'incidents'])
    .default('all')
    .describe('`all` is a file for SIMULATOR_CONFIG, `incidents` one for INCIDENTS_PATH.'),
  resource: z
    .string()
    .optional()
    .describe('The resource of the timetable, only for `part=incidents`. Default: `default`.'),
})

/** Returns the route that writes the present configuration as a file. */
export function configFileRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { live, incidents } = simulator
  const fileOf = (name: string, format: FileFormat, text: string): AnswerFile => ({
    name: `${name}.${format}`,
    type: typeOf[format],
    text,
  })
  return [
    defineRoute({
      method: 'GET',
      path: '/++/config/file',
      operationId: 'getConfigFile',
      summary: 'Get the present configuration as a file',
      description:
        'Secrets are references to variables: `{ env: NAME }`. A running timetable of incidents replaces the one of the configuration.',
      query,
      answers: {
        200: {
          description: 'The file, to save.',
          schema: z.looseObject({}),
          fileTypes: Object.values(typeOf),
        },
        400: errorAnswer('`resource` without `part=incidents`.'),
        404: errorAnswer('Unknown resource, or it has no timetable (NoTimetable).'),
      },
      async handle({ query: { format, part, resource: named } }) {
        const resource = named ?? defaultResourceName
        if (!simulator.config.resources.has(resource)) return resourceNotFound(simulator, resource)
        const running = runningTimetables(incidents)
        if (part === 'all') {
          if (named !== undefined) return resourceOfWholeFile()
          const text = writeConfigFile(live.inputs, running, format)
          return { status: 200, file: fileOf('aoai-sim', format, text) }
        }
        const configured = inputsOf(live.inputs, resource)?.incidents?.entries as IncidentOptions | undefined
        const timetable = running.get(resource) ?? configured
        if (timetable)
          return { status: 200, file: fileOf('incidents', format, writeIncidentFile(timetable, format)) }
        const message = `Could not write the timetable: the resource ${resource} has none. Start one with POST /++/incidents/start.`
        return refuse(404, 'NoTimetable', message)
      },
    }),
  ]
}

function resourceOfWholeFile(): Refusal {
  const message =
    'Could not write the file: it has all resources. Leave out resource, or add part=incidents for the timetable of the resource.'
  return refuse(400, 'InvalidQuery', message)
}

/** Returns the timetables that run now, by resource. */
function runningTimetables(incidents: Simulator['incidents']): Map<string, IncidentOptions> {
  const running = new Map<string, IncidentOptions>()
  for (const [resource, { state }] of incidents)
    if (state && !state.position.over) running.set(resource, state.timetable.source)
  return running
}
