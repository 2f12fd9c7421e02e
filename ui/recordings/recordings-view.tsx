import { useState } from 'preact/hooks'
import type {
  RecordingFolderJson,
  RecordingMissesJson,
  RecordingsJson,
} from '../../src/server/admin/recording-schemas.ts'
import { Button } from '../components/button.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Tabs } from '../components/tabs.tsx'
import { showToast } from '../components/toast.tsx'
import { api, ApiError } from '../lib/api.ts'
import { formatAmount, formatCount } from '../lib/format.ts'
import { navigate, routeTo, useRoute } from '../lib/router.ts'
import { usePolled } from '../lib/use-polled.ts'
import { FolderCard } from './folder-card.tsx'
import { MissItem } from './miss-item.tsx'
import { type RecordingFilter, RecordingList } from './recording-list.tsx'
import './recordings.css'

/** Rows of the list at most. A search finds the others. */
const MAX_ROWS = 500
const MAX_MISSES = 50

type Tab = 'recordings' | 'misses'

/** Recordings folders with their use, the recordings, and the requests that lack one. */
export function RecordingsView() {
  const { segments, query } = useRoute()
  const tab: Tab = segments[1] === 'misses' ? 'misses' : 'recordings'
  const filter: RecordingFilter = {
    text: query.get('text') ?? '',
    used: ['true', 'false'].includes(query.get('used') ?? '') ? (query.get('used') ?? '') : '',
    folder: query.get('folder') ?? '',
  }
  const list = usePolled<RecordingsJson>(tab === 'recordings' ? '/++/recordings' : undefined, {
    text: filter.text,
    used: filter.used,
    folder: filter.folder,
    limit: MAX_ROWS,
  })
  // The list has all folders, unless it shows a single one.
  const all = usePolled<RecordingsJson>(
    tab === 'recordings' && filter.folder === '' ? undefined : '/++/recordings',
    { limit: 0 },
  )
  const misses = usePolled<RecordingMissesJson>(tab === 'misses' ? '/++/recordings/misses' : undefined, {
    limit: MAX_MISSES,
  })
  const [isSaving, setSaving] = useState(false)
  const known = tab === 'recordings' && filter.folder === '' ? list : all
  const folders = (known.answer ?? list.answer ?? all.answer)?.folders ?? []
  const pending = folders.reduce((sum, folder) => sum + folder.pending, 0)
  const missed = folders.reduce((sum, folder) => sum + folder.misses, 0)
  const refresh = (): void => {
    for (const polled of [all, list, misses]) polled.refresh()
  }
  const run = async (action: () => Promise<string>): Promise<void> => {
    try {
      showToast('ok', await action())
    } catch (error) {
      showToast('error', error instanceof ApiError ? error.message : String(error))
    }
    refresh()
  }
  const save = async (): Promise<void> => {
    setSaving(true)
    await run(async () => {
      const { saved } = await api.send<{ saved: number }>('POST', '/++/save-recordings')
      return `${formatAmount(saved, 'recording')} written.`
    })
    setSaving(false)
  }
  const clear = (): Promise<void> =>
    run(async () => {
      await api.send('DELETE', '/++/recordings/misses')
      return 'The list of misses is empty.'
    })
  const problem = all.problem ?? list.problem ?? misses.problem

  return (
    <div class="stack">
      <div class="row">
        <h1>Recordings</h1>
        {pending > 0 && (
          <span class="row-end">
            <Button kind="main" disabled={isSaving} onClick={() => void save()}>
              {isSaving ? 'Saving…' : `Save ${formatAmount(pending, 'unwritten recording')}`}
            </Button>
          </span>
        )}
      </div>
      {problem && (
        <p class="field-problem" role="alert">
          {problem.message}
        </p>
      )}
      {known.answer && folders.length === 0 && <NoFolders />}
      {folders.length > 0 && (
        <>
          <div class="folder-cards">
            {folders.map((folder) => (
              <FolderCard key={folder.id} folder={folder} />
            ))}
          </div>
          <Tabs<Tab>
            label="Recordings and misses"
            active={tab}
            onChange={(name) => navigate(routeTo(name === 'misses' ? ['recordings', name] : ['recordings']))}
            tabs={[
              { name: 'recordings', title: 'Recordings' },
              { name: 'misses', title: missed > 0 ? `Misses (${formatCount(missed)})` : 'Misses' },
            ]}
          >
            {tab === 'recordings' && list.answer && (
              <RecordingList
                list={list.answer}
                folders={folders}
                filter={filter}
                onFilter={(next) => navigate(routeTo(['recordings'], { ...next }), { replace: true })}
              />
            )}
            {tab === 'misses' && misses.answer && (
              <Misses
                misses={misses.answer}
                folders={folders}
                onRecorded={refresh}
                onClear={() => void clear()}
              />
            )}
          </Tabs>
        </>
      )}
    </div>
  )
}

function Misses(props: {
  readonly misses: RecordingMissesJson
  readonly folders: readonly RecordingFolderJson[]
  readonly onRecorded: () => void
  readonly onClear: () => void
}) {
  const { misses, total } = props.misses
  if (misses.length === 0)
    return (
      <EmptyState title="No misses">
        Each request had a recording. A request without one appears here, with the nearest recording and how
        it differs.
      </EmptyState>
    )
  return (
    <div class="stack">
      <div class="row">
        <p class="muted" role="status">
          {total > misses.length
            ? `The latest ${formatCount(misses.length)} of ${formatAmount(total, 'kept miss', 'kept misses')}, newest first`
            : `${formatAmount(total, 'miss', 'misses')}, newest first`}
        </p>
        <span class="row-end">
          <Button onClick={props.onClear}>Clear the list</Button>
        </span>
      </div>
      <ol class="stack" aria-label="Misses">
        {misses.map((miss) => (
          <MissItem
            key={miss.id}
            miss={miss}
            folder={props.folders.find(({ id }) => id === miss.folder)?.folder}
            onRecorded={props.onRecorded}
          />
        ))}
      </ol>
    </div>
  )
}

function NoFolders() {
  return (
    <EmptyState title="No recordings in use">
      <p>
        The simulator generates its answers. To answer from recordings of a real service, start it with a
        folder of recordings:
      </p>
      <CodeBlock
        label="Command that replays recordings"
        text="SIMULATOR_MODE=replay RECORDING_DIR=./recordings aoai-sim"
        wraps
      />
      <p>To record them, set the address and the key of the service:</p>
      <CodeBlock
        label="Command that records"
        text="SIMULATOR_MODE=record AZURE_OPENAI_ENDPOINT=... AZURE_OPENAI_KEY=... aoai-sim"
        wraps
      />
      <p>
        A single deployment can use recordings as well: set its source in <a href="#/steer">Steer</a>.
      </p>
    </EmptyState>
  )
}
