import { useMemo, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { Field, Select } from '../components/field.tsx'
import { showToast } from '../components/toast.tsx'
import { api } from '../lib/api.ts'
import { formatDuration } from '../lib/format.ts'
import { navigate, routeTo } from '../lib/router.ts'
import { Members } from './schema-field.tsx'
import { edit, formOf, messageOf, remove, useSteer } from './steer-store.ts'
import { TargetForm, useDraft } from './target-form.tsx'

/** The services that requests are forwarded to. */
export function UpstreamsPanel({ name }: { readonly name: string }) {
  const { upstreams } = useSteer()
  const target = { kind: 'upstream', name } as const
  const draft = useDraft(target)
  const field = useMemo(() => formOf('Upstream'), [])
  const [created, setCreated] = useState('')
  if (!draft || !field) return <p class="muted">Reading the upstream…</p>
  const names = upstreams.includes(name) ? upstreams : [...upstreams, name]
  const isValid = /^[\w.-]{1,64}$/.test(created) && !names.includes(created)
  const verify = async (): Promise<void> => {
    try {
      const { ok, ms, problem } = await api.send<{ ok: boolean; ms: number; problem?: string }>(
        'POST',
        `/++/upstreams/${encodeURIComponent(name)}/verify`,
      )
      showToast(
        ok ? 'ok' : 'error',
        ok ? `The upstream answers in ${formatDuration(ms)}.` : (problem ?? 'No answer.'),
      )
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  return (
    <TargetForm draft={draft}>
      <section class="panel stack" aria-label="Upstreams">
        <div class="row steer-tools">
          <Select
            label="Upstream"
            value={name}
            options={names.map((each) => ({ value: each, title: each }))}
            onChange={(each) => navigate(routeTo(['steer', 'upstreams', each]))}
          />
          <form
            class="row"
            onSubmit={(event) => {
              event.preventDefault()
              if (!isValid) return
              edit({ kind: 'upstream', name: created }, [], { endpoint: '' })
              navigate(routeTo(['steer', 'upstreams', created]))
              setCreated('')
            }}
          >
            <Field label="New upstream" value={created} onInput={setCreated} placeholder="Name" />
            <Button type="submit" disabled={!isValid}>
              Add
            </Button>
          </form>
          <span class="row row-end">
            <Button disabled={draft.base === undefined} onClick={() => void verify()}>
              Verify
            </Button>
            {draft.edited !== undefined && (
              <Button kind="danger" onClick={() => remove(target)}>
                Delete
              </Button>
            )}
          </span>
        </div>
        <p class="muted">A secret is shown as [redacted]. It stays the same until you enter another one.</p>
        {draft.edited === undefined ? (
          <EmptyState title={draft.base === undefined ? 'Not set' : 'Deleted in the draft'}>
            <Button onClick={() => edit(target, [], draft.base ?? { endpoint: '' })}>
              {draft.base === undefined ? 'Set it' : 'Keep it'}
            </Button>
          </EmptyState>
        ) : (
          <Members field={field} path={[]} value={draft.edited} />
        )}
      </section>
    </TargetForm>
  )
}
