import { useMemo, useState } from 'preact/hooks'
import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { CodeBlock } from '../components/code-block.tsx'
import { type Column, Table } from '../components/table.tsx'
import { Tabs } from '../components/tabs.tsx'
import { formatAmount, formatBytes } from '../lib/format.ts'
import { readableBody, type StreamedEvent } from './body-text.ts'

type Message = Trace['request']

/** The bodies and headers of a request and its answer. */
export function BodyPanel({ trace }: { readonly trace: Trace }) {
  const [tab, setTab] = useState<'answer' | 'request' | 'headers'>('answer')
  const { request, response } = trace
  return (
    <section class="panel" aria-label="Bodies and headers">
      <Tabs
        label="Bodies and headers"
        active={tab}
        onChange={setTab}
        tabs={[
          { name: 'answer', title: `Answer, ${formatBytes(response.body_bytes)}` },
          { name: 'request', title: `Request, ${formatBytes(request.body_bytes)}` },
          { name: 'headers', title: 'Headers' },
        ]}
      >
        {tab === 'answer' && <Body name="Answer" message={response} />}
        {tab === 'request' && <Body name="Request" message={request} />}
        {tab === 'headers' && (
          <div class="stack">
            <Headers title="Request" message={request} />
            <Headers title="Answer" message={response} />
          </div>
        )}
      </Tabs>
    </section>
  )
}

function contentTypeOf({ headers }: Message): string {
  return headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? ''
}

type View = 'text' | 'readable' | 'sent'

function Body({ name, message }: { readonly name: string; readonly message: Message }) {
  const { body, body_bytes: bytes } = message
  const type = contentTypeOf(message)
  const readable = useMemo(() => readableBody(body ?? '', type), [body, type])
  const [view, setView] = useState<View>('readable')
  if (bytes === 0) return <p class="muted">No body.</p>
  if (body === null) {
    return (
      <p class="muted">
        {formatBytes(bytes)} of binary data{type && ` (${type})`}. Binary bodies are not kept.
      </p>
    )
  }
  const views: { readonly name: View; readonly title: string }[] = [
    ...(readable.kind === 'events' && readable.text !== ''
      ? [{ name: 'text', title: 'Text of the answer' } as const]
      : []),
    ...(readable.kind === 'json' ? [{ name: 'readable', title: 'Formatted' } as const] : []),
    ...(readable.kind === 'events'
      ? [{ name: 'readable', title: formatAmount(readable.events.length, 'event') } as const]
      : []),
    { name: 'sent', title: 'As sent' },
  ]
  const shown = views.some((one) => one.name === view) ? view : 'sent'
  return (
    <div class="stack">
      <BodyNotes message={message} />
      <div class="toggles" role="group" aria-label={`Form of the ${name.toLowerCase()}`}>
        {views.map((one) => (
          <button
            key={one.name}
            type="button"
            class="button"
            aria-pressed={shown === one.name}
            onClick={() => setView(one.name)}
          >
            {one.title}
          </button>
        ))}
      </div>
      {shown === 'text' && readable.kind === 'events' && (
        <CodeBlock label={`${name}: text`} text={readable.text} wraps />
      )}
      {shown === 'readable' && readable.kind === 'json' && (
        <CodeBlock
          label={`${name} as JSON`}
          text={readable.pretty}
          fileName={`${name.toLowerCase()}.json`}
          wraps
        />
      )}
      {shown === 'readable' && readable.kind === 'events' && <Events events={readable.events} />}
      {shown === 'sent' && <CodeBlock label={`${name} as sent`} text={body} wraps />}
    </div>
  )
}

function BodyNotes({ message }: { readonly message: Message }) {
  const {
    body_truncated: isTruncated,
    body_redacted: isRedacted,
    media_cut: media,
    body_bytes: bytes,
  } = message
  const notes = [
    isTruncated && `Only the start of ${formatBytes(bytes)} is kept.`,
    media > 0 && `${formatAmount(media, 'image, audio part or file', 'images, audio parts or files')} cut.`,
    isRedacted && 'Credentials were removed.',
  ].filter(Boolean)
  return notes.length === 0 ? null : <p class="note">{notes.join(' ')}</p>
}

function Events({ events }: { readonly events: readonly StreamedEvent[] }) {
  const [chosen, setChosen] = useState<number | undefined>(undefined)
  const event = events.find(({ number }) => number === chosen)
  const columns: readonly Column<StreamedEvent>[] = [
    {
      name: 'number',
      title: 'Event',
      width: '5rem',
      render: ({ number }) => (
        <button
          type="button"
          class="link-button"
          aria-expanded={number === chosen}
          onClick={() => setChosen(number === chosen ? undefined : number)}
        >
          {number}
        </button>
      ),
    },
    ...(events.some(({ name }) => name !== '')
      ? [
          {
            name: 'name',
            title: 'Name',
            render: ({ name }: StreamedEvent) => <span class="nowrap">{name}</span>,
          },
        ]
      : []),
    ...(events.some(({ text }) => text !== '')
      ? [
          {
            name: 'text',
            title: 'Text',
            render: ({ text }: StreamedEvent) => <span class="event-text">{text}</span>,
          },
        ]
      : []),
    {
      name: 'data',
      title: 'Data',
      render: ({ data }) => <code class="clipped clipped-data">{data.slice(0, 300)}</code>,
    },
  ]
  return (
    <>
      <Table
        label="Events of the answer"
        columns={columns}
        rows={events}
        keyOf={({ number }) => number}
        filterBy={({ name, data }) => `${name} ${data}`}
        filterLabel="Filter events"
        isSelected={({ number }) => number === chosen}
      />
      {event && <EventData event={event} />}
    </>
  )
}

function EventData({ event }: { readonly event: StreamedEvent }) {
  const readable = readableBody(event.data, 'application/json')
  const text = readable.kind === 'json' ? readable.pretty : event.data
  return <CodeBlock label={`Event ${event.number}`} text={text} wraps />
}

function Headers({ title, message }: { readonly title: string; readonly message: Message }) {
  const { headers } = message
  return (
    <div class="stack-small">
      <h3>{title}</h3>
      {headers.length === 0 ? (
        <p class="muted">No headers were sent.</p>
      ) : (
        <dl class="headers">
          {headers.map(({ name, value }, index) => (
            <div key={index}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
