import { useEffect, useRef } from 'preact/hooks'
import { EmptyState } from '../components/empty-state.tsx'
import { useLive } from '../lib/live.ts'
import { routeTo, useRoute } from '../lib/router.ts'
import { DeploymentsPanel } from './deployments-panel.tsx'
import { DraftBar } from './draft-bar.tsx'
import { defaultResource } from './draft.ts'
import { FaultsPanel } from './faults-panel.tsx'
import { IncidentsPanel } from './incidents-panel.tsx'
import { RawPanel } from './raw-panel.tsx'
import { SavePanel } from './save-panel.tsx'
import { SettingsPanel } from './settings-panel.tsx'
import { open, refresh, useSteer } from './steer-store.ts'
import './steer.css'
import { UpstreamsPanel } from './upstreams-panel.tsx'

const panels = [
  { name: 'deployments', title: 'Deployments' },
  { name: 'settings', title: 'Settings' },
  { name: 'faults', title: 'Faults' },
  { name: 'incidents', title: 'Incidents' },
  { name: 'upstreams', title: 'Upstreams' },
  { name: 'json', title: 'JSON' },
  { name: 'save', title: 'Save, reset, clock' },
] as const

/** Changes the configuration of the simulator. All changes are collected, shown and then sent. */
export function SteerView() {
  const { segments } = useRoute()
  const { schemas, failure, drafts } = useSteer()
  const change = useLive((live) => live.configChange)
  const isOpen = useRef(false)
  useEffect(() => {
    void (isOpen.current ? refresh() : open())
    isOpen.current = true
  }, [change])
  const [, panel = 'deployments', resource = defaultResource, ...rest] = segments
  return (
    <div class="stack steer">
      <div class="steer-head">
        <h1>Steer</h1>
        <p class="muted">Changes are collected in a draft. You see the difference before you send it.</p>
      </div>
      <nav class="steer-nav" aria-label="Parts of the configuration">
        {panels.map(({ name, title }) => (
          <a key={name} href={routeTo(['steer', name])} aria-current={name === panel ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {failure !== undefined && (
        <p class="steer-failure" role="alert">
          {failure}{' '}
          <button type="button" class="steer-reset" onClick={() => void open()}>
            Try again
          </button>
        </p>
      )}
      {schemas && drafts.size > 0 ? (
        <Panel name={panel} resource={resource} rest={rest} />
      ) : (
        failure === undefined && <p class="muted">Reading the configuration…</p>
      )}
      <DraftBar />
    </div>
  )
}

function Panel({
  name,
  resource,
  rest,
}: {
  readonly name: string
  readonly resource: string
  readonly rest: readonly string[]
}) {
  switch (name) {
    case 'deployments':
      return <DeploymentsPanel resource={resource} name={rest.join('/')} />
    case 'settings':
      return <SettingsPanel resource={resource} />
    case 'faults':
      return <FaultsPanel resource={resource} />
    case 'incidents':
      return <IncidentsPanel resource={resource} />
    case 'upstreams':
      return <UpstreamsPanel name={resource} />
    case 'json':
      return <RawPanel resource={resource} />
    case 'save':
      return <SavePanel />
    default:
      return (
        <EmptyState title="Page not found">
          The address is wrong or old. <a href={routeTo(['steer'])}>Open the deployments</a>.
        </EmptyState>
      )
  }
}
