import { useEffect, useMemo, useState } from 'preact/hooks'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { showToast } from '../components/toast.tsx'
import { api } from '../lib/api.ts'
import { saveFile } from '../lib/clipboard.ts'
import { formatDuration } from '../lib/format.ts'
import { createStore, useStore } from '../lib/store.ts'
import { type Call, defaultResource, startCall } from './draft.ts'
import { getAt, isTree, setAt, type Tree } from './json-tree.ts'
import { hasProblemIn, type PlacedProblem, problemAt } from './problem-paths.ts'
import { ReviewDialog } from './review-dialog.tsx'
import { Form } from './scalar-fields.tsx'
import { Members } from './schema-field.tsx'
import { edit, formOf, messageOf } from './steer-store.ts'
import { ResourceSelect, TargetForm, useDraft } from './target-form.tsx'
import { TimetablePicture } from './timetable-picture.tsx'
import { placePhases, presets, snakeKeys } from './timetable.ts'

/** A state of `GET /++/incidents`. */
interface IncidentState {
  readonly running: boolean
  readonly round?: number
  readonly rounds?: number | null
  readonly elapsed_seconds?: number
  readonly phase?: { readonly name: string; readonly elapsed_seconds: number } | null
  readonly next?: string | null
  readonly next_change_in_seconds?: number | null
  readonly ends_in_seconds?: number | null
  readonly start_after_seconds?: number
  readonly timetable?: Tree
}

interface Editor {
  readonly timetable: Tree
  readonly past: readonly Tree[]
  readonly problems: readonly PlacedProblem[]
}

/** Timetables in work, by resource. They stay when another view is open. */
const editors = createStore<ReadonlyMap<string, Editor>>(new Map())

function change(resource: string, timetable: Tree): void {
  const before = editors.get().get(resource)
  const past = before ? [...before.past, before.timetable].slice(-100) : []
  editors.set(new Map(editors.get()).set(resource, { timetable, past, problems: [] }))
}

const POLL_MS = 1_000

/** Runs and edits the timetable of incidents of a resource. */
export function IncidentsPanel({ resource }: { readonly resource: string }) {
  const [state, setState] = useState<IncidentState>({ running: false })
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    let isGone = false
    const read = async (): Promise<void> => {
      try {
        const next = await api.get<IncidentState>('/++/incidents', { query: { resource } })
        if (isGone) return
        setState(next)
        setFailure(undefined)
      } catch (error) {
        if (!isGone) setFailure(messageOf(error))
      }
    }
    void read()
    const timer = setInterval(() => !document.hidden && void read(), POLL_MS)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [resource])
  return (
    <div class="stack">
      <section class="panel stack" aria-label="Running incidents">
        <div class="row steer-tools">
          <ResourceSelect panel="incidents" resource={resource} />
        </div>
        {failure === undefined ? (
          <Running resource={resource} state={state} onChange={setState} />
        ) : (
          <p role="alert">{failure}</p>
        )}
      </section>
      <TimetableEditor key={resource} resource={resource} state={state} />
    </div>
  )
}

function Running(props: {
  readonly resource: string
  readonly state: IncidentState
  readonly onChange: (state: IncidentState) => void
}) {
  const { resource, state, onChange } = props
  const stop = async (): Promise<void> => {
    try {
      onChange(
        await api.send<IncidentState>('POST', `/++/incidents/stop?resource=${encodeURIComponent(resource)}`),
      )
      showToast('ok', 'The incidents are stopped.')
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  if (!state.running)
    return <p class="muted">No incidents are running. Choose a preset or write a timetable, and start it.</p>
  const { phase, next, round, rounds, next_change_in_seconds: change_in, ends_in_seconds: ends_in } = state
  const timetable = snakeKeys(state.timetable)
  return (
    <>
      <div class="row">
        <Badge tone="warn" hasShape>
          {phase ? phase.name : 'between phases'}
        </Badge>
        <span role="status">
          {round === 0
            ? 'Before the first round'
            : `Round ${round}${typeof rounds === 'number' ? ` of ${rounds}` : ', endless'}`}
        </span>
        {typeof change_in === 'number' && (
          <span class="muted">
            {next ? `${next} in ` : 'changes in '}
            {formatDuration(change_in * 1_000)}
          </span>
        )}
        <span class="muted">
          {typeof ends_in === 'number' ? `ends in ${formatDuration(ends_in * 1_000)}` : 'does not end'}
        </span>
        <span class="row row-end">
          <Button kind="danger" onClick={() => void stop()}>
            Stop
          </Button>
        </span>
      </div>
      <TimetablePicture timetable={timetable} nowMs={nowInRound(state, timetable)} />
    </>
  )
}

/** Returns the time since the start of the present round, in milliseconds; undefined before the first one. */
function nowInRound(
  { elapsed_seconds: elapsed = 0, start_after_seconds: wait = 0 }: IncidentState,
  timetable: unknown,
): number | undefined {
  const sinceMs = (elapsed - wait) * 1_000
  if (sinceMs < 0) return undefined
  const endMs = roundMs(timetable)
  return endMs === Infinity ? sinceMs : sinceMs % endMs
}

function TimetableEditor({ resource, state }: { readonly resource: string; readonly state: IncidentState }) {
  const draft = useDraft({ kind: 'resource', name: resource })
  const field = useMemo(() => formOf('IncidentTimetable'), [])
  const [calls, setCalls] = useState<readonly Call[]>([])
  const editor = useStore(editors).get(resource)
  if (!draft || !field) return null
  const running = snakeKeys(state.timetable)
  const configured = resource === defaultResource ? undefined : draft.edited?.['incidents']
  const shown = editor?.timetable
  const setProblems = (problems: readonly PlacedProblem[]): void => {
    if (editor) editors.set(new Map(editors.get()).set(resource, { ...editor, problems }))
  }
  const undo = (): void => {
    const last = editor?.past.at(-1)
    if (editor && last)
      editors.set(
        new Map(editors.get()).set(resource, {
          timetable: last,
          past: editor.past.slice(0, -1),
          problems: [],
        }),
      )
  }
  const keep = (): void => {
    edit({ kind: 'resource', name: resource }, ['incidents'], shown)
    showToast('ok', 'The timetable is in the draft of the resource. Review and send it.')
  }
  return (
    <section class="panel stack" aria-label="Timetable">
      <h2>Timetable</h2>
      <div class="steer-presets">
        {presets.map(({ title, help, timetable }) => (
          <button key={title} type="button" class="steer-preset" onClick={() => change(resource, timetable)}>
            <strong>{title}</strong>
            <span class="muted">{help}</span>
          </button>
        ))}
        {isTree(running) && (
          <button type="button" class="steer-preset" onClick={() => change(resource, running)}>
            <strong>The running one</strong>
            <span class="muted">Edit the timetable that runs now.</span>
          </button>
        )}
        {isTree(configured) && (
          <button type="button" class="steer-preset" onClick={() => change(resource, configured)}>
            <strong>The configured one</strong>
            <span class="muted">Edit the timetable of the configuration of the resource.</span>
          </button>
        )}
        <button
          type="button"
          class="steer-preset"
          onClick={() => change(resource, { phases: [{ name: 'phase-1', minutes: 1 }] })}
        >
          <strong>Empty</strong>
          <span class="muted">Start with one phase that changes nothing.</span>
        </button>
      </div>
      {shown && editor && (
        <>
          <TimetablePicture timetable={shown} />
          <TargetForm draft={draft}>
            <Form.Provider
              value={{
                id: `incidents:${resource}`,
                onEdit: (path, value) => change(resource, setAt(shown, path, value) as Tree),
                problemAt: (path) => problemAt(editor.problems, path),
                hasProblemIn: (path) => hasProblemIn(editor.problems, path),
                isEdited: () => false,
                choicesFor: (path) => {
                  const deployments = getAt(draft.edited, ['deployments'])
                  return path.at(-1) === 'deployment' && isTree(deployments)
                    ? Object.keys(deployments)
                    : undefined
                },
              }}
            >
              <Members field={field} path={[]} value={shown} />
            </Form.Provider>
          </TargetForm>
          <div class="row">
            <Button kind="main" onClick={() => setCalls([startCall(resource, shown, running)])}>
              Start…
            </Button>
            <Button disabled={editor.past.length === 0} onClick={undo}>
              Undo
            </Button>
            <Button
              onClick={() =>
                saveFile('incidents.json', `${JSON.stringify(shown, null, 2)}\n`, 'application/json')
              }
            >
              Save as a file for INCIDENTS_PATH
            </Button>
            {resource !== defaultResource && <Button onClick={keep}>Keep in the resource</Button>}
          </div>
        </>
      )}
      <ReviewDialog
        calls={calls}
        isOpen={calls.length > 0}
        onClose={() => setCalls([])}
        isOwnDraft={false}
        formId={`incidents:${resource}`}
        onRefused={setProblems}
      />
    </section>
  )
}

/** Returns the length of a round in milliseconds. */
function roundMs(timetable: unknown): number {
  return placePhases(timetable).at(-1)?.endMs ?? 0
}
