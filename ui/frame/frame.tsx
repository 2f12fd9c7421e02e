import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { routeTo } from '../lib/router.ts'
import { Toasts } from '../components/toast.tsx'
import { connect } from '../lib/live.ts'
import { ConnectionNotice, TopBar } from './top-bar.tsx'
import './frame.css'

/** Views of the navigation, with the outline of an icon of 20 x 20. */
const views = [
  { name: '', title: 'Overview', icon: 'M2 11h4l2.5-7 3.5 12 2.5-5H18' },
  { name: 'requests', title: 'Requests', icon: 'M3 5h14M3 10h14M3 15h9' },
  { name: 'steer', title: 'Steer', icon: 'M4 3v14M10 3v14M16 3v14M2 7h4M8 13h4M14 6h4' },
  { name: 'recordings', title: 'Recordings', icon: 'M4 3h9l3 3v11H4zM7 10h6M7 13h6' },
  { name: 'retries', title: 'Retries', icon: 'M16 10a6 6 0 1 1-2-4.5M14 2v4h-4' },
  { name: 'logs', title: 'Logs', icon: 'M3 4l4 4-4 4M9 14h8' },
] as const

/** A deployment belongs to the overview. */
const parents: Readonly<Record<string, string>> = { deployments: '' }

/** Top bar, navigation and the current view. */
export function Frame({
  active,
  children,
}: {
  readonly active: string
  readonly children: ComponentChildren
}) {
  const current = parents[active] ?? active
  useEffect(connect, [])
  return (
    <div class="frame">
      <a class="skip-link" href="#view" onClick={focusView}>
        Skip to content
      </a>
      <TopBar />
      <nav class="navigation" aria-label="Views">
        <ul>
          {views.map(({ name, title, icon }) => (
            <li key={name}>
              <a href={routeTo(name ? [name] : [])} aria-current={name === current ? 'page' : undefined}>
                <svg viewBox="0 0 20 20" aria-hidden="true">
                  <path d={icon} />
                </svg>
                <span>{title}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="view" class="view" tabIndex={-1}>
        <ConnectionNotice />
        {children}
      </main>
      <Toasts />
    </div>
  )
}

/** The fragment of a link is a route here, so the link moves the focus itself. */
function focusView(event: Event): void {
  event.preventDefault()
  document.getElementById('view')?.focus()
}
