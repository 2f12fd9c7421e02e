import type { z } from 'zod'
import type { journalSchema, retryReportSchema } from '../../src/server/admin/journal-schemas.ts'
import type { Tone } from '../components/badge.tsx'
import { formatAmount, formatCount, formatDuration } from '../lib/format.ts'

export type RetryReport = z.output<typeof retryReportSchema>
export type ClientReport = RetryReport['clients'][number]
export type JournalEntry = z.output<typeof journalSchema>['requests'][number]

/** What the retries of a client are worth, with the reason and the fix. */
export interface Verdict {
  readonly tone: Tone
  readonly word: string
  readonly reason: string
  /** What to change; undefined if nothing has to be. */
  readonly advice: string | undefined
}

/** Judges a client. The most serious finding decides. */
export function verdictOf(client: ClientReport): Verdict {
  const { early, forbidden, herds, failures, retries, waited } = client
  if (forbidden.count > 0)
    return {
      tone: 'error',
      word: 'forbidden retries',
      reason: `${formatAmount(forbidden.count, 'retry repeats', 'retries repeat')} an error that cannot succeed unchanged, such as a 400 or a 401.`,
      advice: 'Retry by status: only 408, 409, 429, and 500 and above.',
    }
  if (early.count > 0)
    return {
      tone: 'error',
      word: 'too early',
      reason: `${formatAmount(early.count, 'retry', 'retries')} came before retry-after had passed, by up to ${formatDuration(early.worst_shortfall_ms)}.`,
      advice:
        'Wait for retry-after-ms, or for retry-after in seconds, before a request is repeated. Use one retry loop only.',
    }
  if (herds.count > 0)
    return {
      tone: 'warn',
      word: 'herds',
      reason: `${formatAmount(herds.largest?.size ?? 0, 'retry', 'retries')} reached ${deploymentName(herds.largest)} within 100 ms.`,
      advice: 'Add a random part to the wait, or limit the requests of the client at a time.',
    }
  if (retries > 0)
    return {
      tone: 'ok',
      word: 'waits as asked',
      reason: `${formatAmount(retries, 'retry', 'retries')}, none too early${waited ? `, after ${formatDuration(waited.median_ms)} (median)` : ''}.`,
      advice: undefined,
    }
  if (failures > 0)
    return {
      tone: 'neutral',
      word: 'no retries',
      reason: `${formatAmount(failures, 'failed request was', 'failed requests were')} not repeated.`,
      advice: undefined,
    }
  return { tone: 'neutral', word: 'no failures', reason: 'No request failed.', advice: undefined }
}

function deploymentName(herd: ClientReport['herds']['largest']): string {
  return herd?.deployment ? `the deployment “${herd.deployment}”` : 'the simulator'
}

/** Judges all clients together. */
export function verdictOfAll({ totals }: RetryReport): Verdict {
  const { forbidden, early, herds, retries, failures } = totals
  const found = textOf(early, forbidden, herds)
  const among = `${formatAmount(retries, 'retry', 'retries')} of ${formatAmount(totals.clients, 'client')}`
  if (found)
    return {
      tone: early + forbidden > 0 ? 'error' : 'warn',
      word: 'problems',
      reason: `Found in ${among}: ${found}.`,
      advice: undefined,
    }
  if (retries > 0)
    return { tone: 'ok', word: 'no problems', reason: `No problems in ${among}.`, advice: undefined }
  const reason =
    failures > 0
      ? `${formatAmount(failures, 'request')} failed, and no client has retried.`
      : 'No request has failed.'
  return { tone: 'neutral', word: 'no retries', reason, advice: undefined }
}

/** The findings about a client: `12 too early, 1 herd`; empty without any. */
export function findingsText({ early, forbidden, herds }: ClientReport): string {
  return textOf(early.count, forbidden.count, herds.count)
}

function textOf(early: number, forbidden: number, herds: number): string {
  const found = [
    early > 0 && `${formatCount(early)} too early`,
    forbidden > 0 && `${formatCount(forbidden)} forbidden`,
    herds > 0 && formatAmount(herds, 'herd'),
  ]
  return found.filter(Boolean).join(', ')
}

/** Identifies a client in a report: the same name in two resources is two clients. */
export function clientKey({
  client,
  resource = 'default',
}: Pick<ClientReport, 'client' | 'resource'>): string {
  return `${resource} ${client}`
}

/** Counts by status as text: `429 × 12, cut × 1`; empty without any. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .toSorted(([, one], [, other]) => other - one)
    .map(([status, count]) => `${status} × ${formatCount(count)}`)
    .join(', ')
}
