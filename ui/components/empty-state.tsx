import type { ComponentChildren } from 'preact'
import './empty-state.css'

/** Explains why there is nothing to show, and what to do. */
export function EmptyState({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}) {
  return (
    <div class="empty-state">
      <h2>{title}</h2>
      {children && <div class="empty-state-text">{children}</div>}
    </div>
  )
}
