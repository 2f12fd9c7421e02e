import { useEffect, useState } from 'preact/hooks'
import { Badge, StatusBadge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { Dialog } from '../components/dialog.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { type Column, Table } from '../components/table.tsx'
import { showToast } from '../components/toast.tsx'
import { api, ApiError } from '../lib/api.ts'
import { formatCount, formatDateTime, formatDuration, formatTime, missing } from '../lib/format.ts'
import { useLive } from '../lib/live.ts'
import { routeTo, useRoute } from '../lib/router.ts'
import { usePolled } from '../lib/use-polled.ts'
import { ClientDetails } from './client-details.tsx'
import {
  clientKey,
  type ClientReport,
  findingsText,
  type JournalEntry,
  type RetryReport,
  verdictOf,
  verdictOfAll,
} from './retry-verdict.ts'
import { WaitPlot } from './wait-plot.tsx'
import { addPoints, type RetryPoint } from './wait-plot.ts'
import './retries.css'

/** Entries of the journal in one reading. Their bodies can be long. */
const MAX_ENTRIES = 200

/** Retries in the list at most. The journal has the others. */
const MAX_LISTED = 50

/** How clients repeat failed requests: the waits as a picture, and a verdict on each client. */
export function RetriesView() {
  const isOn = useLive(({ stats }) => stats?.simulator.journal)
  if (isOn === undefined) return <EmptyState isView title="Waiting for the first figures" />
  return isOn ? <Report /> : <JournalOff />
}

function Report() {
  const { query } = useRoute()
  const { answer: report, problem, refresh } = usePolled<RetryReport>('/++/retry-report')
  const all = useRetryPoints(report)
  const [isAsking, setAsking] = useState(false)
  const chosen = query.get('client') ?? undefined
  const client = report?.clients.find((one) => clientKey(one) === chosen)
  const points = client ? all.filter((point) => clientKey(point) === clientKey(client)) : all
  const clear = async (): Promise<void> => {
    setAsking(false)
    try {
      await api.send('DELETE', '/++/requests')
      showToast('ok', 'The report starts again.')
    } catch (error) {
      showToast('error', error instanceof ApiError ? error.message : String(error))
    }
    refresh()
  }

  return (
    <div class="stack">
      <div class="row">
        <h1>Retries</h1>
        {report && <span class="muted">since {formatDateTime(report.since)}</span>}
        <span class="row-end">
          <Button disabled={!report} onClick={() => setAsking(true)}>
            Start again
          </Button>
        </span>
      </div>
      {problem && (
        <p class="field-problem" role="alert">
          {problem.message}
        </p>
      )}
      {report && (
        <>
          <Summary report={report} />
          {client && <ClientDetails client={client} />}
          {chosen !== undefined && !client && (
            <EmptyState title="No such client">
              The report does not have it any more. <a href="#/retries">Show all clients</a>.
            </EmptyState>
          )}
          {points.length > 0 && (
            <section class="panel">
              <WaitPlot points={points} />
            </section>
          )}
          {report.clients.length > 0 && (
            <section class="panel stack" aria-label="Clients">
              <h2>Clients</h2>
              <Table
                label="Clients"
                columns={clientColumns}
                rows={report.clients}
                keyOf={clientKey}
                linkOf={(row) => routeTo(['retries'], { client: clientKey(row) })}
                isSelected={(row) => clientKey(row) === chosen}
                {...(report.clients.length > 10 && { filterBy: clientKey })}
              />
            </section>
          )}
          {points.length > 0 && (
            <section class="panel stack" aria-label="Latest retries">
              <h2>Latest retries</h2>
              <Table
                label="Latest retries"
                columns={pointColumns}
                rows={points.toReversed().slice(0, MAX_LISTED)}
                keyOf={({ id }) => id}
                linkOf={({ requestId }) => routeTo(['requests', requestId])}
              />
            </section>
          )}
          {report.totals.requests === 0 && (
            <EmptyState title="No requests yet">
              Send requests to the simulator. Those that fail and are repeated appear here, by client. Name a
              client with the header x-sim-test.
            </EmptyState>
          )}
        </>
      )}
      <Dialog
        title="Start the report again?"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button kind="danger" onClick={() => void clear()}>
              Start again
            </Button>
          </>
        }
      >
        This removes all requests from the journal, and all counts of this report.
      </Dialog>
    </div>
  )
}

/** The latest retries. Reads only the entries that are new, whenever the report has more retries. */
function useRetryPoints(report: RetryReport | undefined): readonly RetryPoint[] {
  const [points, setPoints] = useState<readonly RetryPoint[]>([])
  const since = report?.since
  const retries = report?.totals.retries ?? 0
  useEffect(() => setPoints([]), [since])
  useEffect(() => {
    if (retries === 0) {
      setPoints([])
      return undefined
    }
    const stopped = new AbortController()
    const { signal } = stopped
    const query = { retries: true, since: points.at(-1)?.id ?? 0, limit: MAX_ENTRIES }
    api
      .get<{ requests: readonly JournalEntry[] }>('/++/requests', { query, signal })
      .then(({ requests }) => setPoints((known) => addPoints(known, requests)))
      // The report tells a lasting problem.
      .catch(() => {})
    return () => stopped.abort()
  }, [retries, since])
  return points
}

function Summary({ report }: { readonly report: RetryReport }) {
  const { totals } = report
  const { tone, word, reason } = verdictOfAll(report)
  const figures = [
    ['Clients', totals.clients],
    ['Requests', totals.requests],
    ['Failures', totals.failures],
    ['Retries', totals.retries],
    ['Too early', totals.early],
    ['Forbidden', totals.forbidden],
    ['Herds', totals.herds],
  ] as const
  return (
    <section class="panel stack" aria-label="Verdict">
      <p class="row">
        <Badge tone={tone} hasShape>
          {word}
        </Badge>
        <strong>{reason}</strong>
      </p>
      <dl class="retry-figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{formatCount(value)}</dd>
          </div>
        ))}
      </dl>
      {totals.forgotten_clients > 0 && (
        <p class="muted">
          {formatCount(totals.forgotten_clients)} clients that sent nothing for a long time are only in these
          sums.
        </p>
      )}
    </section>
  )
}

const clientColumns: readonly Column<ClientReport>[] = [
  {
    name: 'client',
    title: 'Client',
    sortBy: clientKey,
    render: ({ client, resource }) => (
      <>
        {client} {resource && <span class="muted">{resource}</span>}
      </>
    ),
  },
  {
    name: 'verdict',
    title: 'Verdict',
    sortBy: (row) => verdictOf(row).word,
    render: (row) => {
      const { tone, word, reason } = verdictOf(row)
      return (
        <Badge tone={tone} hasShape title={reason}>
          {word}
        </Badge>
      )
    },
  },
  ...(['requests', 'failures', 'retries'] as const).map((name): Column<ClientReport> => ({
    name,
    title: `${name[0]?.toUpperCase()}${name.slice(1)}`,
    align: 'end',
    isOptional: name !== 'retries',
    sortBy: (row) => row[name],
    render: (row) => formatCount(row[name]),
  })),
  {
    name: 'waited',
    title: 'Waits',
    help: 'Shortest wait, median and longest wait before a retry',
    align: 'end',
    isOptional: true,
    sortBy: ({ waited }) => waited?.median_ms ?? -1,
    render: ({ waited }) =>
      waited ? (
        <>
          <span class="muted">{formatDuration(waited.min_ms)} ·</span> {formatDuration(waited.median_ms)}{' '}
          <span class="muted">· {formatDuration(waited.max_ms)}</span>
        </>
      ) : (
        <span class="muted">{missing}</span>
      ),
  },
  {
    name: 'findings',
    title: 'Findings',
    isOptional: true,
    sortBy: ({ early, forbidden, herds }) => early.count + forbidden.count + herds.count,
    render: (row) => findingsText(row) || <span class="muted">none</span>,
  },
]

const pointColumns: readonly Column<RetryPoint>[] = [
  {
    name: 'at',
    title: 'Time',
    isOptional: true,
    render: ({ at }) => <time title={formatDateTime(at)}>{formatTime(at)}</time>,
  },
  {
    name: 'client',
    title: 'Client',
    sortBy: ({ client }) => client,
    render: ({ client }) => <span class="retry-client">{client}</span>,
  },
  {
    name: 'deployment',
    title: 'Deployment',
    isOptional: true,
    sortBy: ({ deployment }) => deployment ?? '',
    render: ({ deployment }) => deployment ?? <span class="muted">{missing}</span>,
  },
  {
    name: 'told',
    title: 'Asked for',
    align: 'end',
    isOptional: true,
    sortBy: ({ toldMs }) => toldMs ?? -1,
    render: ({ toldMs }) => (toldMs === undefined ? <span class="muted">none</span> : formatDuration(toldMs)),
  },
  {
    name: 'waited',
    title: 'Waited',
    align: 'end',
    sortBy: ({ waitedMs }) => waitedMs,
    render: ({ waitedMs }) => formatDuration(waitedMs),
  },
  {
    name: 'kind',
    title: 'Retry',
    sortBy: ({ kind }) => kind,
    render: ({ kind, index }) =>
      kind === 'ok' ? (
        <span class="muted">{formatCount(index)}. retry</span>
      ) : (
        <Badge tone="error" hasShape>
          {kind === 'early' ? 'too early' : 'forbidden'}
        </Badge>
      ),
  },
  {
    name: 'status',
    title: 'Answer',
    isOptional: true,
    sortBy: ({ status }) => status,
    render: ({ status }) => <StatusBadge status={status} />,
  },
]

function JournalOff() {
  return (
    <div class="stack">
      <h1>Retries</h1>
      <EmptyState title="The journal is off">
        <p>
          The retry report shows which clients repeat failed requests, how long they wait, and whether they
          wait for retry-after. It needs the journal, which keeps the last requests in memory. Start the
          simulator with it:
        </p>
        <CodeBlock label="Command that starts with the journal" text="JOURNAL_SIZE=10000 aoai-sim" wraps />
        <p>In a container, set the variable JOURNAL_SIZE. It cannot change at run time.</p>
      </EmptyState>
    </div>
  )
}
