import type { ComponentChildren } from 'preact'
import './empty-state.css'

/** Explains why there is nothing to show, and what to do. */
export function EmptyState({
  title,
  isView = false,
  children,
}: {
  readonly title: string
  /** Whether it stands for the whole view, so that its title is the heading of the page. */
  readonly isView?: boolean
  readonly children?: ComponentChildren
}) {
  const Heading = isView ? 'h1' : 'h2'
  return (
    <div class="empty-state">
      <Heading>{title}</Heading>
      {children && <div class="empty-state-text">{children}</div>}
    </div>
  )
}
