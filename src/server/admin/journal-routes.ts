import { journalJson } from '../../journal/journal-json.ts'
import type { Journal } from '../../journal/journal.ts'
import type { JournalFilter } from '../../journal/journal-filter.ts'
import { retryReportJson } from '../../journal/retry-report-json.ts'
import { operations } from '../../wire/operations.ts'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, refuse } from './admin-error.ts'
import {
  type AdminAnswer,
  type AdminRequest,
  type AdminRoute,
  type QueryParameter,
  schemaRef,
} from './admin-route.ts'

const usualRequests = 100
/** Bodies are part of an entry, up to 64 KB each. */
const mostRequests = 1_000

const filters: readonly QueryParameter[] = [
  {
    name: 'operation',
    description: 'Only requests of this operation.',
    schema: { type: 'string', enum: Object.keys(operations) },
  },
  { name: 'deployment', description: 'Only requests to this deployment.', schema: { type: 'string' } },
  {
    name: 'status',
    description: 'A status such as 429, or a class of them such as 4xx.',
    schema: { type: 'string', pattern: '^[1-5](\\d\\d|xx)$' },
  },
  {
    name: 'client',
    description: 'Only requests of this client, as its entries name it.',
    schema: { type: 'string' },
  },
  { name: 'path', description: 'Only requests to this path, without its query.', schema: { type: 'string' } },
  { name: 'method', description: 'Only requests of this method, in any case.', schema: { type: 'string' } },
  {
    name: 'limited_by',
    description: 'Only requests that this limit refused.',
    schema: { type: 'string', enum: ['tokens', 'requests', 'capacity'] },
  },
  {
    name: 'retries',
    description: 'true: only requests that repeat a failed one.',
    schema: { type: 'boolean', default: false },
  },
  {
    name: 'since',
    description: 'Only requests after the one of this id.',
    schema: { type: 'integer', minimum: 0, default: 0 },
  },
  {
    name: 'limit',
    description: 'How many at most: the last ones that fit.',
    schema: { type: 'integer', minimum: 1, maximum: mostRequests, default: usualRequests },
  },
]

/** The routes of the journal. */
export function journalRoutes(simulator: Simulator): readonly AdminRoute[] {
  const off = errorAnswer('No journal is kept (JournalOff), or the query is wrong.')
  const withJournal =
    (answer: (journal: Journal, request: AdminRequest) => AdminAnswer) =>
    (request: AdminRequest): AdminAnswer =>
      simulator.journal ? answer(simulator.journal, request) : journalOff()

  return [
    {
      method: 'GET',
      path: '/++/requests',
      operationId: 'listRequests',
      summary: 'Show the requests of the journal, oldest first',
      query: filters,
      answers: {
        200: { description: 'The last requests that fit.', schema: schemaRef('Journal') },
        400: off,
      },
      handle: withJournal((journal, { query }) => ({
        status: 200,
        body: journalJson(journal.entries(filterOf(query))),
      })),
    },
    {
      method: 'DELETE',
      path: '/++/requests',
      operationId: 'clearRequests',
      summary: 'Forget all requests, and begin a new retry report',
      answers: { 204: { description: 'The journal is empty.' }, 400: off },
      handle: withJournal((journal) => {
        journal.clear()
        return { status: 204 }
      }),
    },
    {
      method: 'GET',
      path: '/++/retry-report',
      operationId: 'getRetryReport',
      summary: 'Judge how clients repeat what failed',
      answers: { 200: { description: 'The report.', schema: schemaRef('RetryReport') }, 400: off },
      handle: withJournal((journal) => ({ status: 200, body: retryReportJson(journal.retryReport()) })),
    },
  ]
}

/** The query has been checked by the parameters above. */
function filterOf(query: AdminRequest['query']): JournalFilter {
  const { status, limited_by: limitedBy, retries, since, limit = usualRequests, ...same } = query
  return {
    ...same,
    limitedBy: limitedBy as JournalFilter['limitedBy'],
    retriesOnly: retries === true,
    sinceId: Number(since ?? 0),
    limit: Number(limit),
    ...(status !== undefined && { status: statusOf(String(status)) }),
  }
}

function statusOf(text: string): JournalFilter['status'] {
  return text.endsWith('xx') ? (text as `${1 | 2 | 3 | 4 | 5}xx`) : Number(text)
}

function journalOff(): AdminAnswer {
  const message = 'No journal is kept. Start with JOURNAL_SIZE=10000 to keep the last 10,000 requests.'
  return refuse(400, 'JournalOff', message)
}
