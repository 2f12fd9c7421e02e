import { useMemo } from 'preact/hooks'
import { SchemaField } from './schema-field.tsx'
import { formOf } from './steer-store.ts'
import { ResourceSelect, TargetForm, useDraft } from './target-form.tsx'

/** The faults for all deployments of a resource. */
export function FaultsPanel({ resource }: { readonly resource: string }) {
  const draft = useDraft({ kind: 'resource', name: resource })
  const item = useMemo(() => formOf('FaultRule'), [])
  if (!draft || !item) return <p class="muted">Reading the faults…</p>
  return (
    <TargetForm draft={draft}>
      <section class="panel stack" aria-label="Faults">
        <div class="row">
          <ResourceSelect panel="faults" resource={resource} />
        </div>
        <SchemaField
          field={{
            kind: 'list',
            item,
            help: 'Faults for all deployments of the resource. The first one that is drawn applies. Faults of one deployment are in its form, and are drawn before these.',
          }}
          label="Faults"
          path={['faults']}
          value={draft.edited?.['faults']}
        />
      </section>
    </TargetForm>
  )
}
