import type { RecordingFolderJson } from '../../src/server/admin/recording-schemas.ts'
import { Badge } from '../components/badge.tsx'
import { CopyButton } from '../components/code-block.tsx'
import { formatAmount, formatCount } from '../lib/format.ts'
import { folderSentence, hitRate, shortFolder } from './recording-texts.ts'

/** A recordings folder: what it has, and how requests used it. */
export function FolderCard({ folder }: { readonly folder: RecordingFolderJson }) {
  const { folder: path, resources, replays, records, interactions, hits, misses, unused } = folder
  const rate = hitRate(folder)
  return (
    <section class="panel folder-card" aria-label={`Folder ${path}`}>
      <div class="row">
        <h2 title={path}>{shortFolder(path)}</h2>
        {replays && <Badge tone="accent">replays</Badge>}
        {records && <Badge tone="accent">records</Badge>}
        <span class="row-end">
          <CopyButton text={path} label={`Copy path: ${path}`} title="Copy path" />
        </span>
      </div>
      <dl class="folder-figures">
        {replays && <Figure name="Recordings" value={formatCount(interactions)} />}
        {replays && <Figure name="Hits" value={formatCount(hits)} />}
        {replays && <Figure name="Misses" value={formatCount(misses)} isWarning={misses > 0} />}
        {replays && <Figure name="Unused" value={formatCount(unused)} />}
        {(records || folder.recorded > 0) && (
          <Figure name="Recorded since the start" value={formatCount(folder.recorded)} />
        )}
      </dl>
      {rate !== undefined && (
        <div class="folder-bar" aria-hidden="true">
          <span class="folder-bar-hits" style={{ width: `${rate * 100}%` }} />
        </div>
      )}
      <p class="muted">{folderSentence(folder)}</p>
      {folder.pending > 0 && (
        <p>
          <Badge tone="warn" hasShape>
            not written
          </Badge>{' '}
          {formatAmount(folder.pending, 'answer')} in memory only. Save them before the simulator is killed.
        </p>
      )}
      {(folder.lost > 0 || folder.writing === 'failing') && (
        <p>
          <Badge tone="error" hasShape>
            {folder.writing === 'failing' ? 'writing fails' : 'lost'}
          </Badge>{' '}
          {formatAmount(folder.lost, 'answer')} could not be recorded. The{' '}
          <a href="#/logs?level=error">log</a> has the reason.
        </p>
      )}
      <p class="muted folder-resources">
        {resources.length === 1 ? 'Resource' : 'Resources'}: {resources.slice(0, 8).join(', ')}
        {resources.length > 8 && ` and ${formatCount(resources.length - 8)} more`}
      </p>
    </section>
  )
}

function Figure({
  name,
  value,
  isWarning = false,
}: {
  readonly name: string
  readonly value: string
  readonly isWarning?: boolean
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={isWarning ? 'folder-warning' : undefined}>{value}</dd>
    </div>
  )
}
