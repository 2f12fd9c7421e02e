import { useEffect, useMemo, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { DiffView } from '../components/diff-view.tsx'
import { Field } from '../components/field.tsx'
import { changesOf, isEqual, isTree, type Tree } from './json-tree.ts'
import { replace, useSteer } from './steer-store.ts'
import { ResourceSelect, useDraft } from './target-form.tsx'

/** The configuration of a resource as JSON text. */
export function RawPanel({ resource }: { readonly resource: string }) {
  const target = { kind: 'resource', name: resource } as const
  const draft = useDraft(target)
  const { problems } = useSteer()
  const [text, setText] = useState<string>()
  const edited = draft?.edited
  // Another change of the draft replaces the text, unless the text has changes that are not in the draft.
  useEffect(() => setText(undefined), [resource])
  const shown = text ?? JSON.stringify(edited ?? {}, null, 2)
  const read = useMemo(() => readTree(shown), [shown])
  if (!draft) return <p class="muted">Reading the configuration…</p>
  const isTaken = 'tree' in read && isEqual(read.tree, edited)
  const changes = 'tree' in read ? changesOf(draft.base, read.tree) : []
  const fromServer = (problems.get(`resource:${resource}`) ?? []).map((one) => one.text).join('\n')
  return (
    <section class="panel stack" aria-label="Configuration as JSON">
      <div class="row">
        <ResourceSelect panel="json" resource={resource} />
      </div>
      <Field
        label="Configuration as JSON"
        rows={24}
        value={shown}
        help="A setting that you remove gets its default. Deployments are in deployments, by name."
        problem={'problem' in read ? read.problem : fromServer || undefined}
        onInput={setText}
      />
      <div class="row">
        <Button
          kind="main"
          disabled={!('tree' in read) || isTaken}
          onClick={() => {
            if (!('tree' in read)) return
            replace(target, read.tree)
            setText(undefined)
          }}
        >
          Take into the draft
        </Button>
        <Button disabled={text === undefined} onClick={() => setText(undefined)}>
          Back to the draft
        </Button>
      </div>
      {changes.length > 0 && <DiffView label="Difference from the simulator" changes={changes} />}
    </section>
  )
}

function readTree(text: string): { readonly tree: Tree } | { readonly problem: string } {
  try {
    const tree: unknown = JSON.parse(text)
    return isTree(tree) ? { tree } : { problem: 'Enter an object: { … }.' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const at = /position (\d+)/.exec(reason)?.[1]
    const line = at === undefined ? '' : ` Line ${text.slice(0, Number(at)).split('\n').length}.`
    return { problem: `This is not JSON: ${reason}.${/line \d/.test(reason) ? '' : line}` }
  }
}
