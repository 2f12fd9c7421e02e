import { useState } from 'preact/hooks'
import type { RecordedJson, RecordingMissJson } from '../../src/server/admin/recording-schemas.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { CopyButton } from '../components/code-block.tsx'
import { api, ApiError } from '../lib/api.ts'
import { formatAmount, formatDateTime, formatTime } from '../lib/format.ts'
import { routeTo } from '../lib/router.ts'
import {
  answeredTexts,
  fileInFolder,
  locationText,
  recordedSentence,
  splitDifference,
  type SplitValue,
} from './recording-texts.ts'

type Outcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly recorded: RecordedJson }
  | { readonly kind: 'failed'; readonly message: string }

/** A request without a recording: the nearest recording with its differences, and a button to record it. */
export function MissItem(props: {
  readonly miss: RecordingMissJson
  /** Path of the folder that was searched. */
  readonly folder: string | undefined
  readonly onRecorded: () => void
}) {
  const { miss, folder, onRecorded } = props
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined)
  const record = async (): Promise<void> => {
    setOutcome({ kind: 'running' })
    try {
      const recorded = await api.send<RecordedJson>('POST', '/++/recordings/record', { miss: miss.id })
      setOutcome({ kind: 'done', recorded })
      onRecorded()
    } catch (error) {
      const message = error instanceof ApiError ? error.message : String(error)
      setOutcome({ kind: 'failed', message })
    }
  }
  const {
    method,
    path,
    query,
    at,
    deployment,
    resource,
    answered,
    reason,
    nearest,
    can_record: canRecord,
  } = miss
  const place = [resource === 'default' ? undefined : resource, deployment].filter(Boolean).join(' / ')
  return (
    <li class="panel miss">
      <div class="row miss-head">
        <time dateTime={at} title={formatDateTime(at)} class="muted">
          {formatTime(at)}
        </time>
        <code class="miss-request">
          <strong>{method}</strong> {path}
          {query && <span class="muted">?{query}</span>}
        </code>
        {place && <Badge>{place}</Badge>}
        <Badge
          tone={answered === 'error' ? 'warn' : 'neutral'}
          title="What answered it instead of a recording"
        >
          {answeredTexts[answered]}
        </Badge>
        <a class="row-end" href={routeTo(['requests', miss.request_id])}>
          Open the request
        </a>
      </div>
      <p>{reason}</p>
      {nearest && <Nearest nearest={nearest} folder={folder} />}
      {!miss.compared && <p class="muted">It is compared with the recordings when the list is read again.</p>}
      <div class="row">
        {outcome?.kind === 'done' ? (
          <Recorded text={recordedSentence(outcome.recorded)} location={locationOf(outcome.recorded)} />
        ) : miss.recorded_in !== null ? (
          <Recorded text={`${miss.recorded_in} answers this request now.`} location={miss.recorded_in} />
        ) : (
          <>
            <Button disabled={!canRecord || outcome?.kind === 'running'} onClick={() => void record()}>
              {outcome?.kind === 'running' ? 'Recording…' : 'Record this'}
            </Button>
            <span class="miss-why" role="status">
              {outcome?.kind === 'running' && <span class="muted">Waiting for the upstream…</span>}
              {outcome?.kind === 'failed' && (
                <>
                  <Badge tone="error" hasShape>
                    not recorded
                  </Badge>{' '}
                  {outcome.message}
                </>
              )}
              {!outcome && (
                <span class="muted">
                  {miss.why_not ??
                    'Sends this request to its upstream once, and writes the answer to the folder.'}
                </span>
              )}
            </span>
          </>
        )}
      </div>
    </li>
  )
}

const locationOf = ({ file, line }: RecordedJson): string => locationText(file, line)

function Recorded({ text, location }: { readonly text: string; readonly location: string }) {
  return (
    <>
      <Badge tone="ok" hasShape>
        recorded
      </Badge>
      <span class="miss-why" role="status">
        {text}
      </span>
      <CopyButton text={location} label="Copy file and line" />
    </>
  )
}

function Nearest(props: {
  readonly nearest: NonNullable<RecordingMissJson['nearest']>
  readonly folder: string | undefined
}) {
  const { nearest, folder } = props

  const { file, line, method, uri, differences, differences_total: total, advice } = nearest
  const location = file === null ? undefined : locationText(file, line)
  return (
    <div class="nearest">
      <div class="row">
        <h3>Nearest recording</h3>
        <code class="muted">
          {method} {uri}
        </code>
        {location === undefined ? (
          <span class="muted">recorded since the start</span>
        ) : (
          <>
            <code title={location}>{locationText(fileInFolder(file ?? '', folder), line)}</code>
            <CopyButton text={location} label={`Copy ${location}`} />
          </>
        )}
      </div>
      <table class="nearest-differences">
        <caption class="visually-hidden">Differences of the request from the nearest recording</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Recorded</th>
            <th scope="col">Sent</th>
          </tr>
        </thead>
        <tbody>
          {differences.map(({ path, recorded, sent }) => {
            const [left, right] = splitDifference(recorded, sent)
            return (
              <tr key={path}>
                <th scope="row">
                  <code>{path}</code>
                </th>
                <td class="nearest-recorded">
                  <Value value={left} />
                </td>
                <td class="nearest-sent">
                  <Value value={right} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {total > differences.length && (
        <p class="muted">{formatAmount(total - differences.length, 'more difference')}.</p>
      )}
      <p class="muted">To get this recording: {advice}</p>
    </div>
  )
}

function Value({ value }: { readonly value: SplitValue }) {
  return (
    <code>
      {value.before}
      {value.different && <mark>{value.different}</mark>}
      {value.after}
    </code>
  )
}
