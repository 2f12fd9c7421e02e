import { useEffect, useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { CodeBlock } from '../components/code-block.tsx'
import { Dialog } from '../components/dialog.tsx'
import { Field, Switch } from '../components/field.tsx'
import { showToast } from '../components/toast.tsx'
import { api } from '../lib/api.ts'
import { formatDateTime } from '../lib/format.ts'
import { messageOf, refresh } from './steer-store.ts'

interface Key {
  readonly id: string
  readonly label: string | null
  readonly enabled: boolean
  readonly created_at: string | null
}

/** The keys of clients of a resource. They change immediately, because the simulator shows a new key only once. */
export function KeysSection({ resource }: { readonly resource: string }) {
  const [keys, setKeys] = useState<readonly Key[]>([])
  const [label, setLabel] = useState('')
  const [created, setCreated] = useState<string>()
  const [deleted, setDeleted] = useState<Key>()
  const path = `/++/resources/${encodeURIComponent(resource)}/keys`
  const read = async (): Promise<void> => {
    const answer = await api.get<{ keys: readonly Key[] }>(path)
    setKeys(answer.keys)
  }
  useEffect(() => {
    read().catch((error: unknown) => showToast('error', messageOf(error)))
  }, [resource])
  /** Makes a change, and reads the keys again. */
  const act = async (change: () => Promise<unknown>): Promise<void> => {
    try {
      await change()
      await read()
      await refresh()
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  const pathOf = ({ id }: Key): string => `${path}/${encodeURIComponent(id)}`
  return (
    <section class="panel stack" aria-label="Keys">
      <h2>Keys</h2>
      <p class="muted">
        Keys of clients of this resource. They change immediately and are not part of the draft.
        {resource === 'default' ? ' SIMULATOR_API_KEY also opens this resource and is not listed.' : ''}
      </p>
      <ul class="steer-keys">
        {keys.map((key) => (
          <li key={key.id} class="row">
            <Switch
              label={key.label ?? key.id}
              isOn={key.enabled}
              onChange={(enabled) => void act(() => api.send('PATCH', pathOf(key), { enabled }))}
            />
            <span class="muted">
              {key.created_at === null ? 'of the configuration' : `created ${formatDateTime(key.created_at)}`}
            </span>
            <span class="row row-end">
              <Button label={`Delete the key ${key.label ?? key.id}`} onClick={() => setDeleted(key)}>
                Delete…
              </Button>
            </span>
          </li>
        ))}
      </ul>
      <form
        class="row steer-tools"
        onSubmit={(event) => {
          event.preventDefault()
          void act(async () => {
            const { key } = await api.send<{ key: string }>('POST', path, label === '' ? {} : { label })
            setCreated(key)
            setLabel('')
          })
        }}
      >
        <Field label="Label of a new key" value={label} onInput={setLabel} placeholder="load test" />
        <Button type="submit">Create a key</Button>
      </form>
      <Dialog
        title="The new key"
        isOpen={created !== undefined}
        onClose={() => setCreated(undefined)}
        actions={<Button onClick={() => setCreated(undefined)}>Close</Button>}
      >
        <div class="stack">
          <p>Copy it now. The simulator keeps only its hash and cannot show it again.</p>
          <CodeBlock label="Key" text={created ?? ''} wraps />
        </div>
      </Dialog>
      <Dialog
        title="Delete the key?"
        isOpen={deleted !== undefined}
        onClose={() => setDeleted(undefined)}
        actions={
          <>
            <Button onClick={() => setDeleted(undefined)}>Cancel</Button>
            <Button
              kind="danger"
              onClick={() => {
                setDeleted(undefined)
                if (deleted) void act(() => api.send('DELETE', pathOf(deleted)))
              }}
            >
              Delete
            </Button>
          </>
        }
      >
        <p>
          The next request with {deleted?.label ?? deleted?.id}, or with a token that it has issued, gets 401.
        </p>
      </Dialog>
    </section>
  )
}
