import { useLive } from '../lib/live.ts'
import { own } from '../lib/live-state.ts'
import { Select } from './field.tsx'

/** A resource and a deployment of it; empty for all. */
export interface Scope {
  readonly resource: string
  readonly deployment: string
}

/** Selects the resource and the deployment of a list. A simulator with one resource shows only its deployments. */
export function ScopeFilter(props: Scope & { readonly onChange: (scope: Partial<Scope>) => void }) {
  const { resource, deployment, onChange } = props
  const stats = useLive((state) => state.stats)
  const resources = Object.keys(stats?.resources ?? {})
  const chosen = resource || (resources.length === 1 ? (resources[0] ?? '') : '')
  const deployments = Object.keys(own(stats?.resources, chosen)?.deployments ?? {}).filter(Boolean)
  return (
    <>
      {(resources.length > 1 || resource) && (
        <Select
          label="Resource"
          hidesLabel
          value={resource}
          options={optionsOf('All resources', resources, resource)}
          onChange={(name) => onChange({ resource: name, deployment: '' })}
        />
      )}
      {(deployments.length > 0 || deployment) && (
        <Select
          label="Deployment"
          hidesLabel
          value={deployment}
          options={optionsOf('All deployments', deployments, deployment)}
          onChange={(name) => onChange({ deployment: name })}
        />
      )}
    </>
  )
}

/** All names; a name of the address that does not exist is listed too, so that the field shows it. */
function optionsOf(all: string, names: readonly string[], chosen: string) {
  const listed = chosen && !names.includes(chosen) ? [chosen, ...names] : names
  return [{ value: '', title: all }, ...listed.map((name) => ({ value: name, title: name }))]
}
