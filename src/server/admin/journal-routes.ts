import * as z from 'zod'
import { journalEntryJson, journalJson, retryReportJson } from '../../journal/journal-json.ts'
import { refusals } from '../../access/credentials.ts'
import type { JournalFilter } from '../../journal/journal-entry.ts'
import type { JournalReader } from '../../journal/journal-sink.ts'
import { operations } from '../../wire/route.ts'
import { eventStream, eventStreamType, type EventSource } from '../event-stream.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, type Refusal, refuse, type AdminRoute, defineRoute } from './admin-route.ts'
import { journalSchema, retryReportSchema } from './journal-schemas.ts'

const DEFAULT_REQUESTS = 100
/** Maximum of `limit`. An entry contains a body of up to 64 KB. */
const MAX_REQUESTS = 1_000

const filters = z.object({
  operation: z.enum(Object.keys(operations)).optional().describe('Only requests of this operation.'),
  resource: z
    .string()
    .optional()
    .describe('Only requests to this resource. `default` is the one without a prefix.'),
  deployment: z.string().optional().describe('Only requests to this deployment.'),
  upstream: z.string().optional().describe('Only requests that were forwarded to this upstream.'),
  status: z
    .string()
    .regex(/^[1-5](\d\d|xx)$/)
    .optional()
    .describe('A status such as 429, or a class such as 4xx.'),
  client: z.string().optional().describe('Only requests of this client, as in the entries.'),
  request_id: z
    .string()
    .optional()
    .describe('Only the request with this id, which is the `apim-request-id` of its answer.'),
  path: z.string().optional().describe('Only requests to this path, without its query.'),
  method: z.string().optional().describe('Only requests of this method, case-insensitive.'),
  limited_by: z
    .enum(['tokens', 'requests', 'capacity'])
    .optional()
    .describe('Only requests rejected by this limit.'),
  refusal: z
    .enum(refusals)
    .optional()
    .describe('Only requests with a key or token that was refused for this reason.'),
  retries: z.boolean().default(false).describe('true: only requests that repeat a failed one.'),
})

const listQuery = filters.extend({
  since: z.int().min(0).default(0).describe('Only requests after this id.'),
  limit: z
    .int()
    .min(1)
    .max(MAX_REQUESTS)
    .default(DEFAULT_REQUESTS)
    .describe('Maximum number of entries; the latest are returned.'),
})

const streamQuery = filters.extend({
  since: z.int().min(0).optional().describe('Start after this id. Default: the next request.'),
})

/** Returns the routes of the journal. */
export function journalRoutes({ journal }: Simulator): readonly AdminRoute[] {
  const off = errorAnswer('The journal is off (JournalOff), or the query is invalid.')
  return [
    defineRoute({
      method: 'GET',
      path: '/++/requests',
      operationId: 'listRequests',
      summary: 'List the requests in the journal, oldest first',
      query: listQuery,
      answers: {
        200: { description: 'The latest matching requests.', schema: journalSchema },
        400: off,
      },
      async handle({ query: { since, limit, ...same } }) {
        if (!journal) return journalOff()
        const entries = await journal.entries({ ...filterOf(same), sinceId: since, limit })
        return { status: 200, body: journalJson(entries) }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/requests',
      operationId: 'clearRequests',
      summary: 'Clear the journal and the retry report',
      answers: { 204: { description: 'The journal is empty.' }, 400: off },
      async handle() {
        if (!journal) return journalOff()
        await journal.clear()
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/++/requests/stream',
      operationId: 'streamRequests',
      summary: 'Follow the journal as server-sent events',
      description:
        'An event `request` contains an entry of the journal (JournalEntry) and its id. A client that reconnects with `Last-Event-ID` continues after it. An event `dropped` contains the number of requests (`count`) that were removed before the client read them, matching or not.',
      query: streamQuery,
      answers: {
        200: {
          description: 'An endless stream of events.',
          contentType: eventStreamType,
          schema: z.string(),
        },
        400: off,
      },
      async handle({ query: { since, ...same }, headers }) {
        if (!journal) return journalOff()
        const sinceId = Number(
          headers.get('last-event-id')?.match(/^\d{1,15}$/)?.[0] ?? since ?? (await journal.lastId),
        )
        return { status: 200, stream: eventStream(eventsOf(journal, filterOf(same), sinceId)) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/++/retry-report',
      operationId: 'getRetryReport',
      summary: 'Get a report on client retries',
      query: filters.pick({ resource: true }),
      answers: { 200: { description: 'The report.', schema: retryReportSchema }, 400: off },
      handle: async ({ query }) =>
        journal ? { status: 200, body: retryReportJson(await journal.retryReport(query)) } : journalOff(),
    }),
  ]
}

/** Returns the entries after an id as events. Slow clients need no buffer: the events are read from the journal. */
function eventsOf(journal: JournalReader, filter: JournalFilter, sinceId: number): EventSource {
  let lastReadId = sinceId
  return {
    async next() {
      const { entries, lastId, forgotten } = await journal.follow(lastReadId, filter)
      lastReadId = lastId
      return [
        ...(forgotten > 0 ? [{ event: 'dropped', data: { count: forgotten } }] : []),
        ...entries.map((entry) => ({ event: 'request', id: entry.id, data: journalEntryJson(entry) })),
      ]
    },
    subscribe: (onMore) => journal.onAdded(onMore),
  }
}

function filterOf({
  status,
  limited_by: limitedBy,
  request_id: requestId,
  retries,
  ...same
}: z.output<typeof filters>): JournalFilter {
  return {
    ...same,
    limitedBy,
    requestId,
    retriesOnly: retries,
    ...(status !== undefined && { status: statusOf(status) }),
  }
}

function statusOf(text: string): JournalFilter['status'] {
  return text.endsWith('xx') ? (text as `${1 | 2 | 3 | 4 | 5}xx`) : Number(text)
}

function journalOff(): Refusal {
  const message =
    'Could not read the journal: it is off. Start with JOURNAL_SIZE=10000 to keep the last 10,000 requests.'
  return refuse(400, 'JournalOff', message)
}
