import { useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { DiffView } from '../components/diff-view.tsx'
import { formatPath } from '../components/diff.ts'
import { Dialog } from '../components/dialog.tsx'
import { showToast } from '../components/toast.tsx'
import { formatAmount } from '../lib/format.ts'
import { type Call, curlOf, hideSecrets, hideSecretsIn, targetId } from './draft.ts'
import { fieldId, type PlacedProblem } from './problem-paths.ts'
import { type Refusal, send } from './send-draft.ts'

interface ReviewProps {
  readonly calls: readonly Call[]
  readonly isOpen: boolean
  readonly onClose: () => void
  /** Whether the calls send the draft. Else they are a single action beside it. */
  readonly isOwnDraft: boolean
  /** Id of the form with the fields, for calls that are not part of the draft. */
  readonly formId?: string
  readonly onRefused?: (problems: readonly PlacedProblem[]) => void
}

/** Shows the difference that calls make, and sends them. */
export function ReviewDialog({ calls, isOpen, onClose, isOwnDraft, formId, onRefused }: ReviewProps) {
  const [isSending, setSending] = useState(false)
  const [refusal, setRefusal] = useState<Refusal>()
  const close = (): void => {
    setRefusal(undefined)
    onClose()
  }
  const count = calls.reduce((sum, call) => sum + call.changes.length, 0)
  const sendAll = async (): Promise<void> => {
    setSending(true)
    setRefusal(undefined)
    const refused = await send(calls, isOwnDraft).finally(() => setSending(false))
    if (refused) {
      setRefusal(refused)
      onRefused?.(refused.problems)
      return
    }
    showToast('ok', `${formatAmount(count, 'change')} applied.`)
    close()
  }
  return (
    <Dialog
      title={calls.length === 1 ? (calls[0]?.title ?? '') : 'Review the changes'}
      isOpen={isOpen}
      onClose={close}
      isWide
      actions={
        <>
          <Button onClick={close}>Back</Button>
          <Button kind="main" disabled={isSending || count === 0} onClick={() => void sendAll()}>
            {isSending ? 'Sending…' : `Send ${formatAmount(count, 'change')}`}
          </Button>
        </>
      }
    >
      <div class="stack">
        {refusal && <RefusalText refusal={refusal} formId={formId} onLink={close} />}
        {calls.map((call) => (
          <section key={call.path} class="stack steer-call">
            {calls.length > 1 && <h3>{call.title}</h3>}
            <DiffView label={`Difference: ${call.title}`} changes={hideSecretsIn(call.changes)} />
            <details>
              <summary>As a request</summary>
              <div class="stack">
                {call.body !== undefined && (
                  <CodeBlock
                    label={call.method === 'PATCH' ? 'JSON merge patch' : 'Body'}
                    text={JSON.stringify(hideSecrets(call.body), null, 2)}
                  />
                )}
                <CodeBlock label="curl command" text={curlOf(call, location.origin)} wraps />
              </div>
            </details>
          </section>
        ))}
      </div>
    </Dialog>
  )
}

/** What the simulator says, with links to the fields. */
function RefusalText(props: {
  readonly refusal: Refusal
  readonly formId: string | undefined
  readonly onLink: () => void
}) {
  const { refusal, formId, onLink } = props
  const { message, problems, target } = refusal
  const id = formId ?? (target && targetId(target))
  return (
    <div class="steer-refusal" role="alert">
      <p>
        <strong>Not changed. </strong>
        {message}
      </p>
      <ul>
        {problems.map(({ text, path }) => (
          <li key={text}>
            {id !== undefined && path.length > 0 ? (
              <button type="button" class="steer-reset" onClick={() => goTo(fieldId(id, path), onLink)}>
                {formatPath(path)}
              </button>
            ) : null}{' '}
            {text}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Closes the dialog and moves the focus to a field, or to the nearest one around it. */
function goTo(id: string, onLink: () => void): void {
  onLink()
  setTimeout(() => {
    for (let part = id; part !== ''; part = part.includes('.') ? part.slice(0, part.lastIndexOf('.')) : '') {
      const field = document.getElementById(part)
      if (!field) continue
      for (let node: Element | null = field; node; node = node.parentElement)
        if (node instanceof HTMLDetailsElement) node.open = true
      field.scrollIntoView({ block: 'center' })
      const control = field.querySelector<HTMLElement>('input, select, textarea, button')
      ;(control ?? field).focus({ preventScroll: true })
      return
    }
  })
}
