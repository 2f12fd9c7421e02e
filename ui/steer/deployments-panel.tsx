import { useEffect, useMemo, useState } from 'preact/hooks'
import { Badge } from '../components/badge.tsx'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field as TextField, Select } from '../components/field.tsx'
import { formatAmount, formatCount } from '../lib/format.ts'
import { navigate, routeTo } from '../lib/router.ts'
import { defaultResource, type Draft, targetId } from './draft.ts'
import { getAt, isEqual, isTree, textOf, type Tree } from './json-tree.ts'
import { QuickActions } from './quick-actions.tsx'
import { Members } from './schema-field.tsx'
import type { Field } from './schema-form.ts'
import { edit, ensure, formOf, useSteer } from './steer-store.ts'
import { TargetForm, useDraft } from './target-form.tsx'

/** With more resources, the deployments of a resource are read when it is chosen. */
const MAX_READ = 50

interface Entry {
  readonly resource: string
  readonly name: string
  readonly entry: Tree
  readonly state: 'same' | 'changed' | 'new' | 'deleted'
}

/** The deployments of all resources, and the form of one. */
export function DeploymentsPanel({ resource, name }: { readonly resource: string; readonly name: string }) {
  const { drafts, resources } = useSteer()
  useEffect(() => {
    const read = resources.length > MAX_READ ? [resource] : resources
    for (const each of read) void ensure({ kind: 'resource', name: each })
  }, [resources, resource])
  const entries = useMemo(() => [...drafts.values()].flatMap(entriesOf), [drafts])
  const first = entries.find((entry) => entry.resource === resource) ?? entries[0]
  const chosen = name === '' ? first : { resource, name }
  return (
    <div class="steer-split">
      <Picker entries={entries} chosen={chosen} />
      {chosen ? (
        <DeploymentForm
          key={`${chosen.resource}/${chosen.name}`}
          resource={chosen.resource}
          name={chosen.name}
        />
      ) : (
        <EmptyState title="No deployment">Create one to steer it.</EmptyState>
      )}
    </div>
  )
}

function entriesOf({ target, base, edited }: Draft): readonly Entry[] {
  if (target.kind !== 'resource') return []
  const [before, after] = [base, edited].map((tree) => {
    const deployments = getAt(tree, ['deployments'])
    return isTree(deployments) ? deployments : {}
  }) as [Tree, Tree]
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])]
  return names.map((name) => {
    const [old, now] = [getAt(before, [name]), getAt(after, [name])]
    const state =
      now === undefined ? 'deleted' : old === undefined ? 'new' : isEqual(old, now) ? 'same' : 'changed'
    const entry = now ?? old
    return { resource: target.name, name, entry: isTree(entry) ? entry : {}, state }
  })
}

const MAX_SHOWN = 100

function Picker({
  entries,
  chosen,
}: {
  readonly entries: readonly Entry[]
  readonly chosen: { readonly resource: string; readonly name: string } | undefined
}) {
  const { resources } = useSteer()
  const [text, setText] = useState('')
  const [only, setOnly] = useState('')
  const [isCreating, setCreating] = useState(false)
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = entries.filter(({ resource, name, entry }) => {
    if (only !== '' && resource !== only) return false
    const searched = `${resource} ${name} ${textOf(entry['model'] ?? '')}`.toLowerCase()
    return words.every((word) => searched.includes(word))
  })
  return (
    <section class="panel steer-picker" aria-label="Choose a deployment">
      <TextField
        label="Find a deployment"
        type="search"
        value={text}
        placeholder="Name, model or resource"
        onInput={setText}
      />
      {resources.length > 1 && (
        <Select
          label="Resource"
          hidesLabel
          value={only}
          options={[
            { value: '', title: 'All resources' },
            ...resources.map((name) => ({ value: name, title: name })),
          ]}
          onChange={(name) => {
            setOnly(name)
            if (name !== '') void ensure({ kind: 'resource', name })
          }}
        />
      )}
      <p class="muted" role="status">
        {formatAmount(found.length, 'deployment')}
        {found.length > MAX_SHOWN ? `, the first ${MAX_SHOWN} are shown` : ''}
        {resources.length > MAX_READ && only === '' ? '. Choose a resource to see its deployments.' : ''}
      </p>
      <ul class="steer-deployments">
        {found.slice(0, MAX_SHOWN).map(({ resource, name, entry, state }) => (
          <li key={`${resource}/${name}`}>
            <a
              href={routeTo(['steer', 'deployments', resource, name])}
              aria-current={resource === chosen?.resource && name === chosen.name ? 'true' : undefined}
            >
              <span class="steer-deployment-name">{name}</span>
              <span class="muted">
                {resource === defaultResource ? '' : `${resource} · `}
                {summaryOf(entry)}
              </span>
              {state !== 'same' && <Badge tone={state === 'deleted' ? 'error' : 'accent'}>{state}</Badge>}
            </a>
          </li>
        ))}
      </ul>
      <Button onClick={() => setCreating(true)}>New deployment</Button>
      <CreateDialog
        isOpen={isCreating}
        onClose={() => setCreating(false)}
        entries={entries}
        resource={only || defaultResource}
      />
    </section>
  )
}

function summaryOf({
  tokens_per_minute: tokens,
  provisioned_throughput_units: units,
  model,
  upstream,
}: Tree): string {
  const what = textOf(model ?? upstream ?? '')
  if (typeof units === 'number') return `${what} · ${formatCount(units)} PTU`
  return typeof tokens === 'number' ? `${what} · ${formatCount(tokens)} TPM` : what
}

function CreateDialog(props: {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly entries: readonly Entry[]
  readonly resource: string
}) {
  const { isOpen, onClose, entries } = props
  const { resources } = useSteer()
  const [chosen, setResource] = useState<string>()
  const [name, setName] = useState('')
  const [model, setModel] = useState('')
  const resource = chosen ?? props.resource
  const isTaken = entries.some(
    (one) => one.resource === resource && one.name === name && one.state !== 'deleted',
  )
  const create = (): void => {
    edit({ kind: 'resource', name: resource }, ['deployments', name], { model, tokens_per_minute: 60_000 })
    onClose()
    setName('')
    navigate(routeTo(['steer', 'deployments', resource, name]))
  }
  return (
    <Dialog
      title="New deployment"
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <Button kind="main" disabled={name === '' || model === '' || isTaken} onClick={create}>
          Add to the draft
        </Button>
      }
    >
      <div class="stack">
        <Select
          label="Resource"
          value={resource}
          options={resources.map((each) => ({ value: each, title: each }))}
          onChange={setResource}
        />
        <TextField
          label="Name"
          value={name}
          onInput={setName}
          problem={isTaken ? 'The resource has a deployment with this name.' : undefined}
        />
        <TextField
          label="Model"
          value={model}
          onInput={setModel}
          placeholder="gpt-4o-mini"
          help="You can set an upstream instead in the form."
        />
      </div>
    </Dialog>
  )
}

/** Groups of the keys of a deployment, in the order of their use. All other keys are in the last one. */
const groups: readonly { readonly title: string; readonly keys: readonly string[] }[] = [
  {
    title: 'Limits',
    keys: [
      'tokens_per_minute',
      'requests_per_minute',
      'input_tokens_per_minute',
      'output_tokens_per_minute',
      'provisioned_throughput_units',
      'spillover_to',
      'requests_slice_seconds',
      'limit_profile',
    ],
  },
  { title: 'Latency', keys: ['latency'] },
  { title: 'Faults', keys: ['faults'] },
  {
    title: 'Source of answers',
    keys: ['model', 'source', 'upstream', 'on_miss', 'form', 'normalize', 'drop'],
  },
  { title: 'Answers', keys: [] },
]

function DeploymentForm({ resource, name }: { readonly resource: string; readonly name: string }) {
  const target = { kind: 'resource', name: resource } as const
  const draft = useDraft(target)
  const field = useMemo(() => formOf('Deployment'), [])
  if (!draft || !field) return <p class="muted">Reading the deployment…</p>
  const path = ['deployments', name]
  const entry = getAt(draft.edited, path)
  const before = getAt(draft.base, path)
  if (entry === undefined) {
    return (
      <EmptyState title={before === undefined ? 'Unknown deployment' : 'Deleted in the draft'}>
        {before === undefined ? (
          `The resource ${resource} has no deployment ${name}.`
        ) : (
          <Button onClick={() => edit(target, path, before)}>Keep the deployment</Button>
        )}
      </EmptyState>
    )
  }
  const grouped = new Set(groups.flatMap(({ keys }) => keys))
  return (
    <TargetForm draft={draft}>
      <div class="stack" id={`form-${targetId(target)}`}>
        <div class="row">
          <h2>{name}</h2>
          {resource !== defaultResource && <Badge>{resource}</Badge>}
          <span class="row row-end">
            <a class="button" href={routeTo(['deployments', resource, name])}>
              Live figures
            </a>
            <Button kind="danger" onClick={() => edit(target, path, undefined)}>
              Delete
            </Button>
          </span>
        </div>
        {before !== undefined && <QuickActions resource={resource} name={name} entry={entry} />}
        {groups.map(({ title, keys }) => (
          <section key={title} class="panel steer-section" aria-label={title}>
            {/* A list has its own title. */}
            {title !== 'Faults' && <h3>{title}</h3>}
            {title === 'Latency' ? (
              <Members
                field={memberOf(field, 'latency')}
                path={[...path, 'latency']}
                value={getAt(entry, ['latency'])}
              />
            ) : (
              <Members
                field={field}
                path={path}
                value={entry}
                only={(key) => (keys.length > 0 ? keys.includes(key) : !grouped.has(key))}
              />
            )}
          </section>
        ))}
      </div>
    </TargetForm>
  )
}

function memberOf(field: Field, key: string): Field {
  const member = field.kind === 'group' ? field.members.find((one) => one.key === key)?.field : undefined
  return member ?? { kind: 'json', help: '' }
}
