import type { Interaction } from '../interaction.ts'
import { readBodyBytes, readHeaders, requireMap } from '../read-fields.ts'
import { isYamlMap, numberOf, textOf, type YamlMap } from '../yaml-value.ts'
import { interactionOf, requireStatus, requireText } from './recording-format.ts'

/**
 * go-vcr: a list `interactions` with `request.url`, `response.code` and `response.status: 200 OK`. Versions 1 and 2 write
 * `version: 1`, like VCR.py; versions 3 and 4 write `version: 2`.
 *
 * Source: cassette.go of dnaeon/go-vcr.
 */
export function isGoVcrItem(item: YamlMap): boolean {
  const request = item.get('request')
  const response = item.get('response')
  if (!isYamlMap(request) || !isYamlMap(response) || request.has('uri')) return false
  return request.has('url') && response.has('code')
}

/** The versions of go-vcr that write a version of the format. */
export function goVcrTool(version: string | undefined): string {
  return version === '2' ? 'go-vcr v3 or v4 cassette' : 'go-vcr v1 or v2 cassette'
}

/** Converts a list item. @throws {FieldError} if it cannot be replayed */
export function readGoVcrItem(item: YamlMap): Interaction {
  const request = requireMap(item, 'request')
  const response = requireMap(item, 'response')
  const code = requireStatus(response.get('code'), 'response.code')
  return interactionOf(
    {
      method: textOf(request.get('method')) || 'GET',
      uri: requireText(request, 'request', 'url'),
      headers: readHeaders(request.get('headers'), 'request.headers'),
      body: readBodyBytes(request.get('body') ?? null),
    },
    {
      code,
      message: textOf(response.get('status'))?.replace(/^\d+ ?/, ''),
      headers: readHeaders(response.get('headers'), 'response.headers'),
      bytes: readBodyBytes(response.get('body') ?? null),
      durationMs: durationMs(response),
    },
  )
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A duration of Go: `1m2.5s`, or a number of nanoseconds. */
function durationMs(response: YamlMap): number | undefined {
  const text = textOf(response.get('duration'))
  if (!text) return undefined
  const nanoseconds = numberOf(text)
  if (nanoseconds !== undefined) return nanoseconds === 0 ? undefined : nanoseconds / 1e6
  let ms = 0
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(amount) * (unitMs[unit] ?? 0)
  }
  return ms > 0 ? ms : undefined
}
