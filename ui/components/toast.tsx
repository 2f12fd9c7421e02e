import { createStore, useStore } from '../lib/store.ts'
import { Button } from './button.tsx'

interface Toast {
  readonly id: number
  readonly kind: 'ok' | 'error'
  readonly text: string
}

const toasts = createStore<readonly Toast[]>([])
let lastId = 0

/** How long a message stays, in milliseconds. An error stays until it is closed. */
const OK_MS = 6_000
const MAX_TOASTS = 4

/** Shows a message, which screen readers announce. */
export function showToast(kind: Toast['kind'], text: string): void {
  const id = ++lastId
  toasts.set([...toasts.get(), { id, kind, text }].slice(-MAX_TOASTS))
  if (kind === 'ok') setTimeout(() => close(id), OK_MS)
}

function close(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id))
}

/** The messages; once in the page. */
export function Toasts() {
  const shown = useStore(toasts)
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, kind, text }) => (
        <div key={id} class={`toast toast-${kind}`}>
          <span class="toast-text">
            <strong>{kind === 'ok' ? 'Done. ' : 'Failed. '}</strong>
            {text}
          </span>
          <Button kind="quiet" label="Close message" onClick={() => close(id)}>
            ✕
          </Button>
        </div>
      ))}
    </div>
  )
}
