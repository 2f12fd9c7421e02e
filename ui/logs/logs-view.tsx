import { useRef, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field, Select, Switch } from '../components/field.tsx'
import { ScopeFilter } from '../components/scope-filter.tsx'
import { saveFile } from '../lib/clipboard.ts'
import { formatAmount, formatCount } from '../lib/format.ts'
import { navigate, routeTo, useRoute } from '../lib/router.ts'
import { filterOf, type Level, levels, type LogEntry, type LogFilter, queryOf } from './log-entry.ts'
import { LogRow } from './log-row.tsx'
import { useLogs } from './use-logs.ts'
import './logs.css'

/** The latest log entries, with filters in the address. */
export function LogsView() {
  const filter = filterOf(useRoute().query)
  const logs = useLogs(filter)
  const [follows, setFollows] = useState(true)
  // What is shown while the view does not follow.
  const held = useRef<readonly LogEntry[]>([])
  const filterKey = JSON.stringify(filter)
  const heldFor = useRef(filterKey)
  if (follows || heldFor.current !== filterKey || held.current.length === 0) {
    held.current = logs.list.entries
    heldFor.current = filterKey
  }
  const newest = held.current[0]?.id ?? 0
  const waiting = logs.list.entries.filter(({ id }) => id > newest).length
  return (
    <div class="stack">
      <div class="row">
        <h1>Logs</h1>
        <span class="row-end">
          <Switch label="Follow" isOn={follows} onChange={setFollows} />
        </span>
        <Button
          disabled={held.current.length === 0}
          onClick={() => saveFile('simulator-log.jsonl', asLines(held.current), 'application/jsonl')}
        >
          Save as file
        </Button>
      </div>
      <Filters filter={filter} />
      {logs.problem?.code === 'LogRingOff' ? (
        <EmptyState title="The log is off">{logs.problem.message}</EmptyState>
      ) : (
        <section class="panel logs" aria-label="Log entries">
          {logs.problem && (
            <p class="field-problem" role="alert">
              {logs.problem.message}
            </p>
          )}
          <p class="logs-count muted" role="status">
            {waiting > 0 ? (
              <Button onClick={() => setFollows(true)}>
                Show {formatAmount(waiting, 'new entry', 'new entries')}
              </Button>
            ) : (
              `${formatAmount(held.current.length, 'entry', 'entries')}, newest first`
            )}
            {logs.list.missed > 0 &&
              ` · ${formatCount(logs.list.missed)} left out: more than 500 were written in a second`}
          </p>
          <ol>
            {held.current.map((entry) => (
              <LogRow key={entry.id} entry={entry} />
            ))}
          </ol>
          {held.current.length === 0 && !logs.isLoading && !logs.problem && (
            <EmptyState title="No entries">
              {hasFilter(filter) ? (
                <>
                  No kept entry matches. <a href="#/logs">Remove the filters</a>.
                </>
              ) : (
                'Log lines appear here. Set LOG_REQUESTS=true for one line per request.'
              )}
            </EmptyState>
          )}
        </section>
      )}
    </div>
  )
}

function hasFilter(filter: LogFilter): boolean {
  return Object.values(queryOf(filter)).some(Boolean)
}

function asLines(entries: readonly LogEntry[]): string {
  return entries
    .toReversed()
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join('')
}

const events = [
  { value: '', title: 'All events' },
  { value: 'log', title: 'Log lines' },
  { value: 'request', title: 'Requests' },
  { value: 'upstream', title: 'Upstream' },
] as const

function Filters({ filter }: { readonly filter: LogFilter }) {
  const change = (part: Partial<LogFilter>): void =>
    navigate(routeTo(['logs'], queryOf({ ...filter, ...part })), { replace: true })
  const toggle = (level: Level): void => {
    const { levels: chosen } = filter
    const others = chosen.filter((one) => one !== level)
    change({ levels: others.length < chosen.length ? others : [...chosen, level] })
  }
  return (
    <div class="row logs-filters">
      <div class="toggles" role="group" aria-label="Levels">
        {levels.map((level) => (
          <Button key={level} pressed={filter.levels.includes(level)} onClick={() => toggle(level)}>
            {level}
          </Button>
        ))}
      </div>
      <Select
        label="Event"
        hidesLabel
        value={filter.event}
        options={events}
        onChange={(event) => change({ event })}
      />
      <ScopeFilter resource={filter.resource} deployment={filter.deployment} onChange={change} />
      <Field
        label="Text"
        hidesLabel
        type="search"
        placeholder="Search in all fields"
        value={filter.text}
        onInput={(text) => change({ text })}
      />
      <Field
        label="Request id"
        hidesLabel
        type="search"
        placeholder="Request id"
        value={filter.request}
        onInput={(request) => change({ request: request.trim() })}
      />
      {hasFilter(filter) && (
        <a class="button button-quiet" href="#/logs">
          Remove filters
        </a>
      )}
    </div>
  )
}
