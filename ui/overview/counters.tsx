import type { ComponentChildren } from 'preact'
import type { Live } from '../../src/server/admin/live-stats.ts'
import { formatCount } from '../lib/format.ts'
import { countsOf, sumOf } from './live-figures.ts'
import './counters.css'

/** Names of limits in the order of the table, with the words of the page. */
const limitNames = { tokens: 'tokens', requests: 'requests', capacity: 'capacity' } as const

/** What is open now, and counts since the start. */
export function Counters({ live }: { readonly live: Live }) {
  const { tokens, rate_limited: limited, faults, client_disconnects: disconnects } = live
  return (
    <section class="panel counters" aria-label="Open requests, and counts since the start">
      <Group title="Open now">
        <Counter name="active requests" count={live.active} />
        <Counter name="open streams" count={live.streams} />
        <Counter name="waiting for a slot" count={live.queue} tone={live.queue > 0 ? 'warn' : undefined} />
      </Group>
      <Group title="Answers since the start">
        <Counter name="all" count={live.requests} />
        {countsOf(live.by_status).map(({ name, count }) => (
          <Counter key={name} name={`status ${name}`} count={count} />
        ))}
      </Group>
      <Group title="Tokens since the start">
        <Counter name="prompt" count={tokens.prompt} />
        <Counter name="completion" count={tokens.completion} />
        {tokens.cached > 0 && <Counter name="of them cached" count={tokens.cached} />}
        {tokens.reasoning > 0 && <Counter name="of them reasoning" count={tokens.reasoning} />}
      </Group>
      <Group title="Rejected with 429, by limit">
        {Object.entries(limitNames).map(([limit, name]) => (
          <Counter
            key={limit}
            name={name}
            count={limited[limit as keyof typeof limitNames]}
            tone={limited[limit as keyof typeof limitNames] > 0 ? 'warn' : undefined}
          />
        ))}
      </Group>
      <Group title="Errors and faults">
        <Counter name="other errors" count={Math.max(0, live.errors - (live.by_status['429'] ?? 0))} />
        <Counter name="client disconnects" count={disconnects} />
        {countsOf(faults).length === 0 && <Counter name="faults injected" count={sumOf(faults)} />}
        {countsOf(faults).map(({ name, count }) => (
          <Counter key={name} name={`fault ${name}`} count={count} />
        ))}
      </Group>
    </section>
  )
}

function Group({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="counter-group">
      <h3>{title}</h3>
      <dl>{children}</dl>
    </div>
  )
}

interface CounterProps {
  readonly name: string
  readonly count: number
  readonly tone?: 'warn' | undefined
}

function Counter({ name, count, tone }: CounterProps) {
  return (
    <div class={`counter ${count === 0 ? 'counter-none' : ''} ${tone ? `counter-${tone}` : ''}`}>
      <dt>{name}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  )
}
