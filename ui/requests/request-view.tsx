import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'
import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { CodeBlock, CopyButton } from '../components/code-block.tsx'
import { Dialog } from '../components/dialog.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { showToast } from '../components/toast.tsx'
import { api, ApiError } from '../lib/api.ts'
import { copyText } from '../lib/clipboard.ts'
import { formatCount, formatDateTime, formatDuration, missing } from '../lib/format.ts'
import { routeTo, useRoute } from '../lib/router.ts'
import { BodyPanel } from './body-panel.tsx'
import { ChunkPicture } from './chunk-picture.tsx'
import { curlCommand } from './curl.ts'
import { outcomeOf } from './trace-list.ts'
import { type JournalFacts, useJournal, useTrace } from './use-trace.ts'
import { Waterfall } from './waterfall.tsx'
import './requests.css'
import './request.css'

/** One sampled request. */
export function RequestView() {
  const { segments } = useRoute()
  const { trace, problem } = useTrace(segments[1] ?? '')
  return (
    <div class="stack">
      <a href="#/requests">← Requests</a>
      {problem && trace && (
        <p class="field-problem" role="alert">
          {problem.message}
        </p>
      )}
      {trace ? (
        <Request trace={trace} />
      ) : problem ? (
        <EmptyState
          isView
          title={problem.code === 'TraceNotFound' ? 'Request not found' : 'Could not read the request'}
        >
          {problem.message}
        </EmptyState>
      ) : (
        <p class="muted" role="status">
          Loading…
        </p>
      )}
    </div>
  )
}

function Request({ trace }: { readonly trace: Trace }) {
  const journal = useJournal(trace.request_id)
  const { tone, label } = outcomeOf(trace)
  const { method, path, query, reasons } = trace
  return (
    <>
      <header class="request-head">
        <h1>
          <span class="request-method">{method}</span> <span class="request-path">{path}</span>
        </h1>
        <p class="row">
          <Badge tone={tone} hasShape>
            {label}
          </Badge>
          <span class="muted">{formatDateTime(trace.at)}</span>
          <code>{trace.request_id}</code>
          <CopyButton text={trace.request_id} label="Copy the request id" />
        </p>
        {query && <code class="muted">?{query}</code>}
      </header>
      {reasons.length > 0 && (
        <ul
          class={`reasons reasons-${tone === 'ok' || tone === 'accent' ? 'warn' : tone}`}
          aria-label="Reasons"
        >
          {reasons.map((reason, index) => (
            <li key={index}>{reason}</li>
          ))}
        </ul>
      )}
      <Actions trace={trace} />
      <section class="panel" aria-label="Facts">
        <dl class="request-facts">
          {factsOf(trace, journal).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <JournalNote journal={journal} />
      </section>
      <Waterfall trace={trace} />
      <ChunkPicture trace={trace} />
      <BodyPanel trace={trace} />
    </>
  )
}

function factsOf(trace: Trace, journal: JournalFacts): (readonly [string, ComponentChild])[] {
  const { resource, deployment, usage, client, spilled_over_from: from, upstream } = trace
  const entry = typeof journal === 'object' ? journal : undefined
  const facts: (readonly [string, ComponentChild])[] = [
    [
      'Deployment',
      deployment === null ? (
        missing
      ) : (
        <a href={routeTo(['deployments', resource, deployment])}>{deployment}</a>
      ),
    ],
    ['Resource', resource],
    ['Operation', trace.operation ?? missing],
    ['Client', <a href={routeTo(['requests'], { client })}>{client}</a>],
    ['Answered by', trace.answered_by ?? missing],
    ['Duration', trace.open ? 'open' : formatDuration(trace.duration_ms)],
    ['First byte', formatDuration(trace.first_byte_ms)],
    ['First token', formatDuration(trace.first_token_ms)],
  ]
  if (trace.queued_ms > 0) facts.push(['Waited for a slot', formatDuration(trace.queued_ms)])
  if (usage) {
    facts.push(
      ['Prompt tokens', formatCount(usage.prompt_tokens)],
      ['of these cached', formatCount(usage.cached_tokens)],
      ['Completion tokens', formatCount(usage.completion_tokens)],
      ['of these reasoning', formatCount(usage.reasoning_tokens)],
    )
  }
  if (from) facts.push(['Spilled over from', from])
  if (upstream) facts.push(['Upstream', upstream])
  if (entry?.upstream_request_id) facts.push(['Id at the upstream', <code>{entry.upstream_request_id}</code>])
  if (trace.limited_by) facts.push(['Limit', trace.limited_by])
  if (trace.retry_after_ms !== null) facts.push(['Asked to wait', formatDuration(trace.retry_after_ms)])
  if (trace.fault) facts.push(['Fault', trace.fault])
  return facts
}

/** What the journal knows of retries, or how to turn it on. */
function JournalNote({ journal }: { readonly journal: JournalFacts }) {
  if (journal === 'off') {
    return (
      <p class="muted journal-note">
        The journal is off, so retries are not known. Start with <code>JOURNAL_SIZE=10000</code>{' '}
        (docs/retries.md).
      </p>
    )
  }
  if (!journal) return null
  const { id, retry } = journal
  return (
    <p class="journal-note row">
      {retry ? (
        <>
          <span>
            Retry {formatCount(retry.index)} of entry {formatCount(retry.of)} in the journal,{' '}
            {formatDuration(retry.waited_ms)} after the failed answer.
          </span>
          {retry.early && <Badge tone="warn">before the requested wait was over</Badge>}
          {retry.forbidden && <Badge tone="warn">repeats an error that a retry cannot fix</Badge>}
        </>
      ) : (
        <span class="muted">Entry {formatCount(id)} in the journal; not a retry.</span>
      )}
      <a href="#/retries">Retry report</a>
    </p>
  )
}

function Actions({ trace }: { readonly trace: Trace }) {
  const [showsCurl, setShowsCurl] = useState(false)
  const [isCopied, setCopied] = useState(false)
  const { resource, deployment, request_id: requestId } = trace
  const { command, notes } = curlCommand(trace, location.origin)
  return (
    <>
      <div class="row">
        <Button
          onClick={() => {
            void copyText(command).then(setCopied)
            setShowsCurl(true)
          }}
        >
          Copy as curl
        </Button>
        <a class="button" href={routeTo(['logs'], { request: requestId })}>
          Log entries
        </a>
        {deployment !== null && (
          <a class="button" href={routeTo(['deployments', resource, deployment])}>
            Deployment
          </a>
        )}
        <RecordButton trace={trace} />
      </div>
      <Dialog title="Repeat with curl" isOpen={showsCurl} onClose={() => setShowsCurl(false)} isWide>
        <div class="stack">
          <p>
            {isCopied && 'The command is copied. '}
            Set <code>API_KEY</code> to a key of the simulator, then run this in a POSIX shell.
          </p>
          {notes.length > 0 && (
            <ul class="reasons reasons-warn" aria-label="What the command lacks">
              {notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
          <CodeBlock label="Command" text={command} wraps />
        </div>
      </Dialog>
    </>
  )
}

/** The answer of `POST /++/recordings/record`. */
interface Recorded {
  readonly file?: string
  readonly status?: number
}

/** Sends the request to the upstream once, and records the answer. Asks before. */
function RecordButton({ trace }: { readonly trace: Trace }) {
  const [isOpen, setOpen] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const record = async (): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    try {
      const { file, status } = await api.send<Recorded>('POST', '/++/recordings/record', {
        request: trace.request_id,
      })
      showToast(
        'ok',
        `Recorded the answer with status ${status ?? missing} in ${file ?? 'the folder of recordings'}.`,
      )
      setOpen(false)
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <Button onClick={() => setOpen(true)}>Record this</Button>
      <Dialog
        title="Record this request"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button kind="quiet" onClick={() => setOpen(false)}>
              Cancel
            </Button>
            <Button kind="main" disabled={isBusy} onClick={() => void record()}>
              {isBusy ? 'Recording…' : 'Send and record'}
            </Button>
          </>
        }
      >
        <div class="stack">
          <p>
            The simulator sends this request once to its upstream, which can cost money, and writes the answer
            to the folder of recordings.
          </p>
          {problem && (
            <p class="field-problem" role="alert">
              {problem}
            </p>
          )}
        </div>
      </Dialog>
    </>
  )
}
