import { useEffect, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { Dialog } from '../components/dialog.tsx'
import { Field, Select } from '../components/field.tsx'
import { parseNumber } from '../components/slider-scale.ts'
import { showToast } from '../components/toast.tsx'
import { api, ApiError } from '../lib/api.ts'
import { formatDateTime } from '../lib/format.ts'
import { changedDrafts, discard, messageOf, refresh, useSteer } from './steer-store.ts'

/** Keeps the configuration as a file, resets the simulator, and advances its clock. */
export function SavePanel() {
  return (
    <div class="stack">
      <SaveFile />
      <ClockPanel />
      <ResetPanel />
    </div>
  )
}

type Part = 'all' | 'incidents'

function SaveFile() {
  const { resources, drafts } = useSteer()
  const [part, setPart] = useState<Part>('all')
  const [format, setFormat] = useState<'yaml' | 'json'>('yaml')
  const [resource, setResource] = useState('default')
  const [file, setFile] = useState<{ readonly choice: string; readonly text: string }>()
  const [problem, setProblem] = useState<string>()
  const hasDraft = changedDrafts(useSteer()).length > 0
  // A file that is read must not have the name of another one meanwhile.
  const choice = [part, format, resource].join()
  useEffect(() => {
    let isGone = false
    const query = { format, part, resource: part === 'incidents' ? resource : undefined }
    api.text('/++/config/file', { query }).then(
      (text) => {
        if (isGone) return
        setFile({ choice, text })
        setProblem(undefined)
      },
      (error: unknown) => {
        if (isGone) return
        setFile(undefined)
        setProblem(
          error instanceof ApiError && error.code === 'NoTimetable'
            ? 'The resource has no timetable. Start one, and save it here.'
            : messageOf(error),
        )
      },
    )
    return () => {
      isGone = true
    }
  }, [part, format, resource, drafts])
  const name = part === 'all' ? `aoai-sim.${format}` : `incidents.${format}`
  return (
    <section class="panel stack" aria-label="Save as configuration">
      <h2>Save as configuration</h2>
      <p class="muted">
        {part === 'all'
          ? `The configuration with all changes that were sent. Start with SIMULATOR_CONFIG=${name}. Secrets are variables that you set.`
          : `The timetable that runs, or that of the configuration. Start with INCIDENTS_PATH=${name}.`}
        {hasDraft ? ' The draft is not in it: send it first.' : ''}
      </p>
      <div class="row">
        <Select
          label="File"
          value={part}
          options={[
            { value: 'all', title: 'Whole configuration' },
            { value: 'incidents', title: 'Incidents only' },
          ]}
          onChange={setPart}
        />
        {part === 'incidents' && (
          <Select
            label="Resource"
            value={resource}
            options={resources.map((each) => ({ value: each, title: each }))}
            onChange={setResource}
          />
        )}
        <Select
          label="Format"
          value={format}
          options={[
            { value: 'yaml', title: 'YAML' },
            { value: 'json', title: 'JSON' },
          ]}
          onChange={setFormat}
        />
      </div>
      {problem !== undefined && <p class="muted">{problem}</p>}
      {file?.choice === choice && <CodeBlock label={name} text={file.text} fileName={name} />}
    </section>
  )
}

interface ClockState {
  readonly kind: 'system' | 'virtual'
  readonly now: string
}

const steps = [
  { title: '1 s', seconds: 1 },
  { title: '1 min', seconds: 60 },
  { title: '1 h', seconds: 3_600 },
] as const

const MAX_ADVANCE_SECONDS = 31_536_000

function ClockPanel() {
  const [clock, setClock] = useState<ClockState>()
  const [custom, setCustom] = useState('10')
  useEffect(() => {
    api.get<ClockState>('/++/clock').then(setClock, (error: unknown) => showToast('error', messageOf(error)))
  }, [])
  if (!clock) return null
  const advance = async (seconds: number): Promise<void> => {
    try {
      const { now } = await api.send<{ now: string }>('POST', '/++/clock/advance', { seconds })
      setClock({ ...clock, now })
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  const number = parseNumber(custom)
  const isValid = number !== undefined && number > 0 && number <= MAX_ADVANCE_SECONDS
  return (
    <section class="panel stack" aria-label="Clock">
      <h2>Clock</h2>
      {clock.kind === 'system' ? (
        <p class="muted">
          The simulator uses the system clock. Start it with <code>SIMULATOR_CLOCK=virtual</code> to advance
          the time here.
        </p>
      ) : (
        <>
          <p role="status">
            Virtual clock: <strong>{formatDateTime(clock.now)}</strong>
          </p>
          <form
            class="row"
            onSubmit={(event) => {
              event.preventDefault()
              if (isValid) void advance(number)
            }}
          >
            {steps.map(({ title, seconds }) => (
              <Button key={title} onClick={() => void advance(seconds)}>
                Advance {title}
              </Button>
            ))}
            <Field
              label="Seconds"
              hidesLabel
              type="number"
              unit="s"
              value={custom}
              onInput={setCustom}
              problem={isValid ? undefined : `Enter a number above 0, up to ${MAX_ADVANCE_SECONDS}.`}
            />
            <Button type="submit" disabled={!isValid}>
              Advance
            </Button>
          </form>
        </>
      )}
    </section>
  )
}

function ResetPanel() {
  const [isOpen, setOpen] = useState(false)
  const reset = async (): Promise<void> => {
    try {
      await api.send('POST', '/++/reset')
      discard()
      await refresh()
      showToast('ok', 'The simulator is as after its start.')
      setOpen(false)
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  return (
    <section class="panel stack" aria-label="Reset">
      <h2>Reset</h2>
      <p class="muted">Back to the state after the start.</p>
      <div class="row">
        <Button kind="danger" onClick={() => setOpen(true)}>
          Reset the simulator…
        </Button>
      </div>
      <Dialog
        title="Reset the simulator?"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button kind="danger" onClick={() => void reset()}>
              Reset
            </Button>
          </>
        }
      >
        <div class="stack">
          <p>This is lost for all users of the simulator:</p>
          <ul class="steer-list-plain">
            <li>
              all changes of settings, deployments, resources, keys and upstreams since the start, also those
              in CONFIG_STORE
            </li>
            <li>
              the use of limits, the requests and retries that were seen, stored responses and the prompt
              cache
            </li>
            <li>the positions in repeated recordings, and a timetable of incidents that was started here</li>
            <li>the draft of this page</li>
          </ul>
          <p>Recordings, logs, metrics and the clock stay. Save the configuration first to keep it.</p>
        </div>
      </Dialog>
    </section>
  )
}
