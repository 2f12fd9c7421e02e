import { useState } from 'preact/hooks'
import type { LiveSimulator } from '../../src/server/admin/live-stats.ts'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { formatDateTime, formatDuration, formatTime } from '../lib/format.ts'
import { type Connection, useLive } from '../lib/live.ts'
import { signOut } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import { chooseTheme, theme, type Theme } from '../lib/theme.ts'
import { AboutDialog } from './about-dialog.tsx'

/** Name, verdict, clock, connection, and the buttons of the page. */
export function TopBar() {
  const simulator = useLive(({ stats }) => stats?.simulator)
  const connection = useLive((state) => state.connection)
  const [isAboutOpen, setAboutOpen] = useState(false)
  return (
    <header class="top-bar">
      <a class="brand" href="#/" title="Overview">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M2 11h3.5L8 5l3.5 10L14 11h4" />
        </svg>
        <span>Control room</span>
      </a>
      {simulator && <Facts simulator={simulator} />}
      <div class="top-bar-end">
        <ConnectionBadge connection={connection} />
        <ThemeButton />
        <Button kind="quiet" label="About this simulator" onClick={() => setAboutOpen(true)}>
          <span aria-hidden="true">?</span>
        </Button>
        <Button kind="quiet" label="Sign out" onClick={() => signOut()}>
          <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M8 3H4v14h4M13 6l4 4-4 4M17 10H8" />
          </svg>
        </Button>
      </div>
      <AboutDialog isOpen={isAboutOpen} onClose={() => setAboutOpen(false)} />
    </header>
  )
}

function Facts({ simulator }: { readonly simulator: LiveSimulator }) {
  const { mode, clock, now, uptime_seconds: uptime, keeps_up: keepsUp, bottleneck } = simulator
  const { config_store: store, recordings } = simulator
  return (
    <div class="top-bar-facts">
      <Badge>{mode}</Badge>
      {keepsUp ? (
        <Badge tone="ok" hasShape>
          The simulator keeps up
        </Badge>
      ) : (
        <Badge tone="warn" hasShape title={bottleneck ?? ''}>
          The simulator is the bottleneck
        </Badge>
      )}
      {store && (store.state === 'failing' || store.pending > 0) && (
        <Badge
          tone="warn"
          hasShape
          title={`The store of changes (${store.kind}) lacks ${store.pending} changes.`}
        >
          Changes not stored
        </Badge>
      )}
      {recordings?.writing === 'failing' && (
        <Badge tone="error" hasShape title={`${recordings.lost} recordings are lost.`}>
          Recordings lost
        </Badge>
      )}
      {clock === 'virtual' ? (
        <span title={`The clock is virtual: it moves only when it is advanced. Now ${formatDateTime(now)}.`}>
          <span class="muted">virtual clock</span> {formatTime(now)}
        </span>
      ) : (
        <span class="muted top-bar-uptime">up {formatDuration(uptime * 1_000)}</span>
      )}
    </div>
  )
}

function ConnectionBadge({ connection: { state, sinceMs } }: { readonly connection: Connection }) {
  switch (state) {
    case 'live':
      return (
        <Badge tone="ok" hasShape title={`Connected since ${formatDateTime(sinceMs)}`}>
          Live
        </Badge>
      )
    case 'connecting':
      return <Badge>Connecting…</Badge>
    case 'silent':
      return (
        <Badge tone="warn" hasShape>
          No figures
        </Badge>
      )
    default:
      return (
        <Badge tone="error" hasShape>
          Reconnecting…
        </Badge>
      )
  }
}

/** Says why the figures are old. */
export function ConnectionNotice() {
  const { state, sinceMs, reason } = useLive(({ connection }) => connection)
  const isOld = state === 'reconnecting' || state === 'silent'
  return (
    <div role="status" class={isOld ? 'connection-notice' : 'visually-hidden'}>
      {isOld && (
        <>
          <strong>Not connected since {formatTime(sinceMs)}.</strong> {reason} The figures are old. The page
          tries again by itself.
        </>
      )}
    </div>
  )
}

const themes: Readonly<
  Record<Theme, { readonly next: Theme; readonly name: string; readonly icon: string }>
> = {
  system: { next: 'light', name: 'as the device', icon: 'M3 4h14v9H3zM7 17h6M10 13v4' },
  light: {
    next: 'dark',
    name: 'light',
    icon: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4',
  },
  dark: { next: 'system', name: 'dark', icon: 'M16 12.5A7 7 0 0 1 7.5 4a6.5 6.5 0 1 0 8.5 8.5z' },
}

function ThemeButton() {
  const { next, name, icon } = themes[useStore(theme)]
  return (
    <Button
      kind="quiet"
      label={`Colours: ${name}. Change to ${themes[next].name}`}
      onClick={() => chooseTheme(next)}
    >
      <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d={icon} />
      </svg>
    </Button>
  )
}
