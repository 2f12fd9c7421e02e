import type { ComponentChildren } from 'preact'

/** Colour of a state. A tone always comes with a word. */
export type Tone = 'neutral' | 'ok' | 'warn' | 'error' | 'accent'

const shapes: Readonly<Record<Tone, string>> = {
  neutral: '',
  accent: '',
  ok: '●',
  warn: '▲',
  error: '■',
}

/** A short word in a coloured frame. `hasShape` adds a shape for the tone, for those who do not see colours. */
export function Badge(props: {
  readonly tone?: Tone
  readonly children: ComponentChildren
  readonly hasShape?: boolean
  readonly title?: string
}) {
  const { tone = 'neutral', children, hasShape = false, title } = props
  return (
    <span class={`badge badge-${tone}`} title={title}>
      {hasShape && shapes[tone] && (
        <span class="badge-shape" aria-hidden="true">
          {shapes[tone]}
        </span>
      )}
      {children}
    </span>
  )
}

/** Tone of an HTTP status. */
function toneOf(status: number): Tone {
  if (status === 0 || status >= 500) return 'error'
  return status >= 400 ? 'warn' : 'ok'
}

/** An HTTP status with its tone. */
export function StatusBadge({ status }: { readonly status: number | null }) {
  if (status === null || status === 0) return <Badge tone="error">none</Badge>
  return <Badge tone={toneOf(status)}>{status}</Badge>
}
