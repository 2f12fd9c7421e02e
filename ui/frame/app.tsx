import type { ComponentChild } from 'preact'
import { useEffect } from 'preact/hooks'
import { EmptyState } from '../components/empty-state.tsx'
import { type Route, useRoute } from '../lib/router.ts'
import { session } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import { LogsView } from '../logs/logs-view.tsx'
import { DeploymentView } from '../overview/deployment-view.tsx'
import { OverviewView } from '../overview/overview-view.tsx'
import { RecordingsView } from '../recordings/recordings-view.tsx'
import { RequestView } from '../requests/request-view.tsx'
import { RequestsView } from '../requests/requests-view.tsx'
import { RetriesView } from '../retries/retries-view.tsx'
import { SteerView } from '../steer/steer-view.tsx'
import { Frame } from './frame.tsx'
import { SignIn } from './sign-in.tsx'

/** The sign-in, or the view of the current route. */
export function App() {
  const isSignedIn = useStore(session, ({ key }) => key !== undefined)
  const route = useRoute()
  const { title, content } = viewOf(route)
  useEffect(() => {
    document.title = `${isSignedIn ? title : 'Sign in'} · Control room`
  }, [title, isSignedIn])
  if (!isSignedIn) return <SignIn />
  return <Frame active={route.segments[0] ?? ''}>{content}</Frame>
}

/** Returns the view of a route. A view reads the rest of its route with `useRoute`. */
function viewOf({ segments: [view = '', id] }: Route): {
  readonly title: string
  readonly content: ComponentChild
} {
  switch (view) {
    case '':
      return { title: 'Overview', content: <OverviewView /> }
    case 'deployments':
      return { title: 'Deployment', content: <DeploymentView /> }
    case 'requests':
      return id
        ? { title: `Request ${id}`, content: <RequestView /> }
        : { title: 'Requests', content: <RequestsView /> }
    case 'steer':
      return { title: 'Steer', content: <SteerView /> }
    case 'recordings':
      return { title: 'Recordings', content: <RecordingsView /> }
    case 'retries':
      return { title: 'Retries', content: <RetriesView /> }
    case 'logs':
      return { title: 'Logs', content: <LogsView /> }
    default: {
      const content = (
        <EmptyState isView title="Page not found">
          The address is wrong or old. <a href="#/">Open the overview</a>.
        </EmptyState>
      )
      return { title: 'Page not found', content }
    }
  }
}
