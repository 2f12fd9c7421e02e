import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { Select } from '../components/field.tsx'
import { navigate, routeTo } from '../lib/router.ts'
import { defaultResource, type Draft, type Target, targetId } from './draft.ts'
import { getAt, isEqual, isTree, type Path } from './json-tree.ts'
import { hasProblemIn, problemAt } from './problem-paths.ts'
import { Form } from './scalar-fields.tsx'
import { edit, ensure, useSteer } from './steer-store.ts'

/** Returns the draft of a document, which is read if it is not there yet. */
export function useDraft(target: Target): Draft | undefined {
  const { drafts } = useSteer()
  const id = targetId(target)
  useEffect(() => void ensure(target), [id])
  return drafts.get(id)
}

/** Gives the fields in it access to a draft. */
export function TargetForm({
  draft,
  children,
}: {
  readonly draft: Draft
  readonly children: ComponentChildren
}) {
  const { problems, upstreams, inherited } = useSteer()
  const { target, base, edited } = draft
  const id = targetId(target)
  const own = problems.get(id) ?? []
  const isNamed = target.kind === 'resource' && target.name !== defaultResource
  return (
    <Form.Provider
      value={{
        id,
        onEdit: (path, value) => edit(target, path, value),
        problemAt: (path) => problemAt(own, path),
        hasProblemIn: (path) => hasProblemIn(own, path),
        isEdited: (path) => !isEqual(getAt(base, path), getAt(edited, path)),
        choicesFor: (path) => choicesFor(path, edited, upstreams),
        inherited: (path) =>
          isNamed && path[0] !== 'deployments' ? scalar(getAt(inherited, path)) : undefined,
      }}
    >
      {children}
    </Form.Provider>
  )
}

function scalar(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'object' ? undefined : value
}

/** Names that a text can have. */
function choicesFor(
  path: Path,
  document: unknown,
  upstreams: readonly string[],
): readonly string[] | undefined {
  const key = path.at(-1)
  if (key === 'upstream') return upstreams
  if (key !== 'spillover_to' && key !== 'deployment') return undefined
  const deployments = getAt(document, ['deployments'])
  return isTree(deployments) ? Object.keys(deployments).filter((name) => name !== path[1]) : []
}

/** Chooses the resource of a panel. */
export function ResourceSelect({ panel, resource }: { readonly panel: string; readonly resource: string }) {
  const { resources } = useSteer()
  const names = resources.includes(resource) ? resources : [...resources, resource]
  return (
    <Select
      label="Resource"
      value={resource}
      options={names.map((name) => ({ value: name, title: name }))}
      onChange={(name) => navigate(routeTo(['steer', panel, name]))}
    />
  )
}
