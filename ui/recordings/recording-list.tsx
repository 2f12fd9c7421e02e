import { useMemo } from 'preact/hooks'
import type {
  RecordingFolderJson,
  RecordingJson,
  RecordingsJson,
} from '../../src/server/admin/recording-schemas.ts'
import { StatusBadge } from '../components/badge.tsx'
import { CopyButton } from '../components/code-block.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field, Select } from '../components/field.tsx'
import { type Column, Table } from '../components/table.tsx'
import { formatAmount, formatCount, formatDateTime, formatTime } from '../lib/format.ts'
import { fileInFolder, locationText, shortFolder } from './recording-texts.ts'

/** What the list is filtered by, as in the query of the address. */
export interface RecordingFilter {
  readonly text: string
  /** `true`, `false`, or empty for all. */
  readonly used: string
  /** Id of a folder; empty for all. */
  readonly folder: string
}

interface RecordingListProps {
  readonly list: RecordingsJson
  readonly folders: readonly RecordingFolderJson[]
  readonly filter: RecordingFilter
  readonly onFilter: (filter: RecordingFilter) => void
}

const useOptions = [
  { value: '', title: 'Used and unused' },
  { value: 'true', title: 'Used' },
  { value: 'false', title: 'Unused' },
] as const

/** The recordings that match a filter. The simulator filters, because there can be thousands. */
export function RecordingList({ list, folders, filter, onFilter }: RecordingListProps) {
  const columns = useMemo(() => columnsOf(folders), [folders])
  const change = (part: Partial<RecordingFilter>): void => onFilter({ ...filter, ...part })
  const { recordings, total } = list
  return (
    <section class="panel stack" aria-label="Recordings">
      <div class="row recordings-filters">
        <Field
          label="Search"
          hidesLabel
          type="search"
          placeholder="Search in file, path, model and status"
          value={filter.text}
          onInput={(text) => change({ text })}
        />
        <Select
          label="Use"
          hidesLabel
          value={filter.used as (typeof useOptions)[number]['value']}
          options={useOptions}
          onChange={(used) => change({ used })}
        />
        {folders.length > 1 && (
          <Select
            label="Folder"
            hidesLabel
            value={filter.folder}
            options={[
              { value: '', title: 'All folders' },
              ...folders.map(({ id, folder }) => ({ value: id, title: shortFolder(folder) })),
            ]}
            onChange={(folder) => change({ folder })}
          />
        )}
        <span class="muted" role="status">
          {total > recordings.length
            ? `The first ${formatCount(recordings.length)} of ${formatAmount(total, 'recording')}. Search to see others.`
            : formatAmount(total, 'recording')}
        </span>
      </div>
      <Table
        label="Recordings"
        columns={columns}
        rows={recordings}
        keyOf={({ folder, id }) => `${folder} ${id}`}
        empty={
          <EmptyState title="No recordings">
            {filter.text || filter.used || filter.folder
              ? 'No recording matches. Change the search.'
              : 'The folder is empty. Record answers with REPLAY_ON_MISS=record, or record single requests in Misses.'}
          </EmptyState>
        }
      />
    </section>
  )
}

function columnsOf(folders: readonly RecordingFolderJson[]): readonly Column<RecordingJson>[] {
  const pathOf = new Map(folders.map(({ id, folder }) => [id, folder]))
  const nameOf = ({ file, folder }: RecordingJson): string =>
    file === null ? '' : fileInFolder(file, pathOf.get(folder))
  return [
    {
      name: 'file',
      title: 'File and line',
      sortBy: (row) => `${nameOf(row)}:${String(row.line ?? 0).padStart(9, '0')}`,
      render: (row) =>
        row.file === null ? (
          <span class="muted">in memory only</span>
        ) : (
          <span class="recording-file">
            <code title={locationText(row.file, row.line)}>{locationText(nameOf(row), row.line)}</code>
            <CopyButton
              text={locationText(row.file, row.line)}
              label={`Copy ${locationText(nameOf(row), row.line)}`}
            />
          </span>
        ),
    },
    {
      name: 'request',
      title: 'Request',
      isOptional: true,
      sortBy: ({ method, path }) => `${path} ${method}`,
      render: ({ method, path }) => (
        <code class="recording-path" title={`${method} ${path}`}>
          {method} {path}
        </code>
      ),
    },
    {
      name: 'model',
      title: 'Model',
      isOptional: true,
      sortBy: ({ model }) => model ?? '',
      render: ({ model }) => model ?? <span class="muted">–</span>,
    },
    {
      name: 'status',
      title: 'Answer',
      isOptional: true,
      sortBy: ({ status }) => status,
      render: ({ status, streamed }) => (
        <>
          <StatusBadge status={status} /> {streamed && <span class="muted">stream</span>}
        </>
      ),
    },
    {
      name: 'hits',
      title: 'Hits',
      align: 'end',
      help: 'Requests that were answered with it since the start or the last reset',
      sortBy: ({ hits }) => hits,
      render: ({ hits }) => (hits === 0 ? <span class="muted">unused</span> : formatCount(hits)),
    },
    {
      name: 'last',
      title: 'Last used',
      isOptional: true,
      align: 'end',
      sortBy: ({ last_used_at: at }) => at ?? '',
      render: ({ last_used_at: at }) =>
        at === null ? <span class="muted">–</span> : <time title={formatDateTime(at)}>{formatTime(at)}</time>,
    },
  ]
}
