import { useEffect, useState } from 'preact/hooks'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { formatPath } from '../components/diff.ts'
import { formatAmount } from '../lib/format.ts'
import type { Target } from './draft.ts'
import { changesOf, type Conflict } from './json-tree.ts'
import { ReviewDialog } from './review-dialog.tsx'
import { revertSent } from './send-draft.ts'
import { callsOf, changedDrafts, discard, resolve, undo, useSteer } from './steer-store.ts'

/** The draft: how many changes it has, and what to do with them. */
export function DraftBar() {
  const state = useSteer()
  const [isOpen, setOpen] = useState(false)
  const changed = changedDrafts(state)
  const count = changed.reduce((sum, { base, edited }) => sum + changesOf(base, edited).length, 0)
  const conflicts = [...state.conflicts].flatMap(([id, all]) => {
    const target = state.drafts.get(id)?.target
    return target ? all.map((conflict) => ({ target, conflict })) : []
  })
  const problems = [...state.problems.values()].flat()
  const calls = callsOf(changed)
  useEffect(() => {
    if (count === 0) return undefined
    // The draft is lost when the page is closed.
    const warn = (event: Event): void => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [count === 0])
  const canRevert = state.sent.length > 0 && count === 0
  if (count === 0 && state.past.length === 0 && conflicts.length === 0 && !canRevert) return null
  return (
    <div class={count > 0 ? 'steer-bar steer-bar-full' : 'steer-bar'} role="region" aria-label="Draft">
      {conflicts.map(({ target, conflict }) => (
        <ConflictLine key={JSON.stringify(conflict.path)} target={target} conflict={conflict} />
      ))}
      <div class="row">
        <span role="status">
          {count === 0 ? 'No changes in the draft' : `${formatAmount(count, 'change')} in the draft`}
        </span>
        {problems.length > 0 && (
          <Badge tone="error" hasShape>
            {formatAmount(problems.length, 'problem')}
          </Badge>
        )}
        <span class="row row-end">
          {canRevert && <Button onClick={revertSent}>Undo the last sent change</Button>}
          <Button disabled={state.past.length === 0} onClick={undo}>
            Undo
          </Button>
          <Button disabled={count === 0} onClick={discard}>
            Discard
          </Button>
          <Button kind="main" disabled={count === 0 || conflicts.length > 0} onClick={() => setOpen(true)}>
            Review and send
          </Button>
        </span>
      </div>
      <ReviewDialog calls={calls} isOpen={isOpen} onClose={() => setOpen(false)} isOwnDraft />
    </div>
  )
}

function ConflictLine({ target, conflict }: { readonly target: Target; readonly conflict: Conflict }) {
  const { path, mine, theirs } = conflict
  return (
    <div class="steer-conflict" role="alert">
      <span>
        <Badge tone="warn" hasShape>
          Conflict
        </Badge>{' '}
        Another client has changed <code>{formatPath(path) || target.name}</code> to{' '}
        <code>{short(theirs)}</code>. Your draft has <code>{short(mine)}</code>.
      </span>
      <span class="row">
        <Button onClick={() => resolve(target, conflict, 'mine')}>Keep mine</Button>
        <Button onClick={() => resolve(target, conflict, 'theirs')}>Take theirs</Button>
      </span>
    </div>
  )
}

function short(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
