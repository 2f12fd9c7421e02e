import * as z from 'zod'
import { logEntryJson, type LogFilter, logLevels } from '../../journal/log-ring.ts'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer, refuse } from './admin-route.ts'

const DEFAULT_ENTRIES = 100
const MAX_ENTRIES = 500

const levelWord = `(?:${logLevels.join('|')})`

const query = z.object({
  level: z
    .string()
    .regex(new RegExp(`^${levelWord}(?:,${levelWord})*$`))
    .optional()
    .describe(`Only these levels, separated by commas: ${logLevels.join(', ')}.`),
  event: z.string().optional().describe('Only events with this text: log, request or upstream.'),
  resource: z
    .string()
    .optional()
    .describe('Only entries of this resource. `default` is the one without a prefix.'),
  deployment: z.string().optional().describe('Only entries of this deployment.'),
  upstream: z.string().optional().describe('Only entries of this upstream.'),
  request: z.string().optional().describe('Only entries of the request with this id.'),
  text: z.string().optional().describe('Only entries that contain this text, case-insensitive.'),
  since: z.int().min(0).default(0).describe('Only entries after this id.'),
  limit: z
    .int()
    .min(1)
    .max(MAX_ENTRIES)
    .default(DEFAULT_ENTRIES)
    .describe('Maximum number of entries; the latest are returned.'),
})

const optionalText = z.string().nullable()

const entrySchema = z
  .object({
    id: z.int().min(1).describe('Increasing; never reset.'),
    time: z.string().meta({ format: 'date-time' }),
    level: z.enum(logLevels),
    event: z
      .enum(['log', 'request', 'upstream'])
      .describe('A line of the log, a request of the request log, or a forwarded request.'),
    message: z.string(),
    request: optionalText.describe('Id of the request.'),
    resource: optionalText,
    deployment: optionalText,
    upstream: optionalText,
    status: z.int().nullable(),
    code: optionalText.describe('Code of a failure, such as UpstreamUnreachable.'),
    ms: z.number().nullable().describe('Duration of the request, in milliseconds.'),
    fields: z.record(z.string(), z.unknown()).describe('Further facts.'),
  })
  .meta({ id: 'LogEntry' })

const logsSchema = z.object({
  logs: z.array(entrySchema),
  total: z.int().min(0).describe('Number of kept entries that match.'),
  last_id: z
    .int()
    .min(0)
    .describe('Id of the last entry, whether it matches or not; 0 before the first one.'),
})

/** Returns the route of the log ring. */
export function logRoutes({ logRing }: Simulator): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/++/logs',
      operationId: 'listLogs',
      summary: 'List the latest log entries, newest first',
      query,
      answers: {
        200: { description: 'The latest matching entries.', schema: logsSchema },
        400: errorAnswer('The log ring is off (LogRingOff), or the query is invalid.'),
      },
      async handle({ query: { since, limit, level, ...same } }) {
        if (!logRing) {
          const message =
            'Could not read the log: LOG_RING is 0. Start with LOG_RING=1000 to keep the last 1,000 entries.'
          return refuse(400, 'LogRingOff', message)
        }
        const filter: LogFilter = {
          ...same,
          sinceId: since,
          ...(level && { levels: new Set(level.split(',')) }),
        }
        const { entries, total } = logRing.read(filter, limit)
        return { status: 200, body: { logs: entries.map(logEntryJson), total, last_id: logRing.lastId } }
      },
    }),
  ]
}
