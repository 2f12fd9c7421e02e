import type { ComponentChildren } from 'preact'
import { Badge } from '../components/badge.tsx'
import { formatAmount, formatCount, formatDateTime, formatDuration, missing } from '../lib/format.ts'
import { type ClientReport, countsText, verdictOf } from './retry-verdict.ts'

/** All facts about one client, with what to change. */
export function ClientDetails({ client }: { readonly client: ClientReport }) {
  const { waited, early, forbidden, herds } = client
  const { tone, word, reason, advice } = verdictOf(client)
  const { largest } = herds
  return (
    <section class="panel stack client-details" aria-label={`Client ${client.client}`}>
      <div class="row">
        <h2>{client.client}</h2>
        {client.resource && <Badge>{client.resource}</Badge>}
        <Badge tone={tone} hasShape>
          {word}
        </Badge>
        <a class="button button-quiet row-end" href="#/retries">
          All clients
        </a>
      </div>
      <p>
        {reason} {advice && <strong>{advice}</strong>}
      </p>
      <dl class="facts">
        <Fact name="Failures">{countsText(client.failures_by_status) || missing}</Fact>
        <Fact name="Retries after">{countsText(client.retries_by_status) || missing}</Fact>
        <Fact name="Attempts">
          {client.max_retry_index === 0
            ? 'each request once'
            : `up to ${formatAmount(client.max_retry_index, 'retry', 'retries')} of one request`}
        </Fact>
        <Fact name="Waits">
          {waited
            ? `${formatDuration(waited.min_ms)} to ${formatDuration(waited.max_ms)}, median ${formatDuration(waited.median_ms)}`
            : missing}
        </Fact>
        <Fact name="Too early">
          {early.count === 0 ? 'none' : formatCount(early.count)}
          {early.examples.length > 0 && (
            <ul class="client-examples">
              {early.examples.map(({ id, deployment, status, told_ms: told, waited_ms: wait }) => (
                <li key={id}>
                  {deployment || 'request'}: waited {formatDuration(wait)} of {formatDuration(told)} after{' '}
                  {status}
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name="Forbidden">
          {forbidden.count === 0 ? 'none' : formatCount(forbidden.count)}
          {forbidden.examples.length > 0 && (
            <ul class="client-examples">
              {forbidden.examples.map(({ id, deployment, status }) => (
                <li key={id}>
                  {deployment || 'request'}: repeated after {status}
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name="Herds">
          {herds.count === 0 ? 'none' : formatCount(herds.count)}
          {largest &&
            `, the largest with ${formatAmount(largest.size, 'retry', 'retries')} at ${formatDateTime(largest.at)} (their failures came within ${formatDuration(largest.failures_within_ms)})`}
        </Fact>
        <Fact name="While limited">
          {formatAmount(client.calls_while_limited, 'new request')} during a wait that was asked for
        </Fact>
      </dl>
    </section>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
