import { showToast } from '../components/toast.tsx'
import { api, ApiError } from '../lib/api.ts'
import { formatAmount } from '../lib/format.ts'
import { type Call, type Target, targetId } from './draft.ts'
import { rebase, type Tree } from './json-tree.ts'
import { type PlacedProblem, placeProblem } from './problem-paths.ts'
import { callsOf, messageOf, read, refresh, refreshOne, store, update, withEntry } from './steer-store.ts'

/** Result of sending calls: undefined if all were accepted. */
export type Refusal = {
  readonly message: string
  readonly problems: readonly PlacedProblem[]
  readonly target?: Target | undefined
}

/**
 * Sends calls one after the other, until one is refused. Drafts are first compared with the present configuration: a value that
 * others have changed in the meantime is not overwritten.
 */
export async function send(calls: readonly Call[], isOwnDraft: boolean): Promise<Refusal | undefined> {
  update({ sent: [] })
  for (const call of calls) {
    const { target } = call
    const id = target && targetId(target)
    const before = id === undefined ? undefined : store.get().drafts.get(id)
    try {
      if (target && isOwnDraft && (await refreshOne(target)))
        return {
          message: 'Another client has changed the same values. Decide which ones to keep, and send again.',
          problems: [],
          target,
        }
      const draft = id === undefined ? undefined : store.get().drafts.get(id)
      const [current = call] = isOwnDraft && draft ? callsOf([draft]) : [call]
      await api.send(current.method, current.path, current.body)
      if (target && id !== undefined) {
        await settle(target, isOwnDraft)
        const { sent, problems } = store.get()
        update({
          sent: before
            ? [...sent, { target, base: before.base, edited: store.get().drafts.get(id)?.base }]
            : sent,
          problems: withEntry(problems, id, []),
        })
      }
    } catch (error) {
      return refused(error, call, isOwnDraft)
    }
  }
  await refresh()
  return undefined
}

/** Takes the state after a call. The draft that was sent is the document now. */
async function settle(target: Target, isOwnDraft: boolean): Promise<void> {
  const id = targetId(target)
  if (!isOwnDraft) {
    await refreshOne(target)
    return
  }
  const base = await read(target).catch(() => undefined)
  const { drafts } = store.get()
  const copy = new Map(drafts)
  if (base === undefined) copy.delete(id)
  else copy.set(id, { target, base, edited: base })
  update({ drafts: copy, past: [] })
}

function refused(error: unknown, { target, body }: Call, isOwnDraft: boolean): Refusal {
  const message = messageOf(error)
  const texts = error instanceof ApiError ? error.problems : []
  const id = target && targetId(target)
  const document = id === undefined ? body : store.get().drafts.get(id)?.edited
  const problems = texts.map((text) => placeProblem(text, document))
  if (id !== undefined && isOwnDraft) update({ problems: withEntry(store.get().problems, id, problems) })
  // The message lists the same problems.
  const [what = message] = texts[0] === undefined ? [message] : message.split(texts[0])
  return { message: what.replace(/:?\s*$/, '.').replace(/\.\.$/, '.'), problems, target }
}

/** Makes a draft that reverts what was sent last, without the changes of others since then. */
export function revertSent(): void {
  const { sent, drafts, past } = store.get()
  const reverted = new Map(drafts)
  for (const { target, base, edited } of sent) {
    const now = drafts.get(targetId(target)) ?? { target, base: undefined, edited: undefined }
    const { merged } = rebase(edited, base, now.edited)
    reverted.set(targetId(target), { ...now, edited: merged as Tree | undefined })
  }
  update({ drafts: reverted, past: [...past, drafts], sent: [] })
  showToast('ok', `${formatAmount(sent.length, 'change')} in the draft. Send it to undo.`)
}
