import { useMemo, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { Dialog } from '../components/dialog.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field } from '../components/field.tsx'
import { navigate, routeTo } from '../lib/router.ts'
import { defaultResource } from './draft.ts'
import { KeysSection } from './keys-section.tsx'
import { Members } from './schema-field.tsx'
import { edit, formOf, remove, useSteer } from './steer-store.ts'
import { ResourceSelect, TargetForm, useDraft } from './target-form.tsx'

/** Parts of a resource that have their own panel. */
const elsewhere: ReadonlySet<string> = new Set(['deployments', 'openai_deployments', 'faults', 'keys'])

/** The settings of a resource. */
export function SettingsPanel({ resource }: { readonly resource: string }) {
  const target = { kind: 'resource', name: resource } as const
  const draft = useDraft(target)
  const [text, setText] = useState('')
  const [isCreating, setCreating] = useState(false)
  const isDefault = resource === defaultResource
  const field = useMemo(() => formOf(isDefault ? 'ConfigPatch' : 'ResourceEntry'), [isDefault])
  if (!draft || !field) return <p class="muted">Reading the settings…</p>
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const isFound = (key: string): boolean => {
    if (elsewhere.has(key)) return false
    const member = field.kind === 'group' ? field.members.find((one) => one.key === key) : undefined
    const searched = JSON.stringify([key.replaceAll('_', ' '), member]).toLowerCase()
    return words.every((word) => searched.includes(word))
  }
  const isDeleted = draft.edited === undefined && draft.base !== undefined
  return (
    <TargetForm draft={draft}>
      <div class="stack">
        <section class="panel stack" aria-label="Settings">
          <div class="row steer-tools">
            <ResourceSelect panel="settings" resource={resource} />
            <Field label="Find a setting" type="search" value={text} onInput={setText} />
            <span class="row row-end">
              <Button onClick={() => setCreating(true)}>New resource</Button>
              {!isDefault && draft.edited !== undefined && (
                <Button kind="danger" onClick={() => remove(target)}>
                  Delete the resource
                </Button>
              )}
            </span>
          </div>
          <p class="muted">
            {isDefault
              ? 'Settings of the simulator and of the default resource. Others need a restart and are not shown.'
              : 'Settings of this resource. A setting without a value has the value of the default resource. Settings that a patch cannot change replace the whole entry; the state of the resource stays.'}
          </p>
          {draft.edited === undefined ? (
            <EmptyState title={isDeleted ? 'Deleted in the draft' : 'Unknown resource'}>
              {isDeleted && <Button onClick={() => edit(target, [], draft.base)}>Keep the resource</Button>}
            </EmptyState>
          ) : (
            <Members field={field} path={[]} value={draft.edited} only={isFound} />
          )}
        </section>
        {draft.base !== undefined && <KeysSection key={resource} resource={resource} />}
      </div>
      <CreateResource isOpen={isCreating} onClose={() => setCreating(false)} />
    </TargetForm>
  )
}

function CreateResource({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { resources } = useSteer()
  const [name, setName] = useState('')
  const isTaken = resources.includes(name)
  const isValid = /^[a-z0-9][a-z0-9-]{0,63}$/.test(name)
  const create = (): void => {
    edit({ kind: 'resource', name }, [], { deployments: {} })
    onClose()
    setName('')
    navigate(routeTo(['steer', 'settings', name]))
  }
  return (
    <Dialog
      title="New resource"
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <Button kind="main" disabled={!isValid || isTaken} onClick={create}>
          Add to the draft
        </Button>
      }
    >
      <Field
        label="Name"
        value={name}
        onInput={setName}
        help="1 to 64 characters of a-z, 0-9 and -. It is the first part of its paths. Add keys and deployments after it is created."
        problem={
          isTaken
            ? 'A resource has this name.'
            : name !== '' && !isValid
              ? 'Use only a-z, 0-9 and -.'
              : undefined
        }
      />
    </Dialog>
  )
}
