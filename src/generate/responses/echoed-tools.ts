import type { ResponsesTool } from '../../wire/responses/responses-request.ts'
import { Decimal } from './json-writer.ts'

type Members = Readonly<Record<string, unknown>>

/** Where a search is taken to be made from; the country is that of the captured resource (April 2026). */
const userLocation = { type: 'approximate', city: null, country: 'US', region: null, timezone: null }

/**
 * What the service fills in where a request says nothing. `web_search_preview` and `function` are captured; the others
 * follow OpenAI's published specification.
 */
const defaults: Readonly<Record<string, Members>> = {
  function: { description: null, parameters: null, strict: true },
  custom: { description: null, format: { type: 'text' } },
  web_search: { filters: null, search_context_size: 'medium', user_location: userLocation },
  web_search_preview: {
    search_content_types: ['text'],
    search_context_size: 'medium',
    user_location: userLocation,
  },
  file_search: {
    filters: null,
    max_num_results: 20,
    ranking_options: { ranker: 'auto', score_threshold: new Decimal(0) },
  },
  image_generation: {
    background: 'auto',
    model: 'gpt-image-1',
    moderation: 'auto',
    n: 1,
    output_compression: 100,
    output_format: 'png',
    quality: 'auto',
    size: 'auto',
  },
  mcp: { allowed_tools: null, headers: null, require_approval: 'always', server_description: null },
}

/** A tool as an answer repeats it: its type, then its members in alphabetical order, defaults filled in. */
export function echoedTool({ type, ...given }: ResponsesTool): Members {
  const known = defaults[type.replace(/_20\d\d_\d\d_\d\d$/, '')] ?? {}
  const members: Record<string, unknown> = { ...known }
  for (const [name, value] of Object.entries(given)) {
    // Secrets do not come back.
    if (name === 'authorization') continue
    members[name] = name === 'headers' ? redacted(value) : merged(members[name], value)
  }
  const sorted = Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))
  return { type, ...Object.fromEntries(sorted) }
}

/** Null leaves the default; an object fills the default's members in. */
function merged(known: unknown, given: unknown): unknown {
  if (given === null || given === undefined) return known ?? null
  if (known instanceof Decimal && typeof given === 'number') return new Decimal(given)
  if (!isMembers(known) || !isMembers(given)) return given
  const members: Record<string, unknown> = { ...known }
  for (const [name, value] of Object.entries(given)) members[name] = merged(members[name], value)
  return members
}

function redacted(headers: unknown): unknown {
  if (!isMembers(headers)) return null
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '<redacted>']))
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
