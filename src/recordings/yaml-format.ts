import { roundTo } from '../lib/format-text.ts'
import type { HeaderPairs, Interaction, RecordedBody, RecordedEvent } from './interaction.ts'
import { yamlBytes, yamlText } from './yaml-scalar.ts'

/**
 * The header of a recording file. Interactions are appended after it as list items. The comment marks a file of the recorder, in
 * which an item without `context_values` at its end is incomplete.
 */
export const recordingFileHeader =
  '# aoai-sim recording: append only, each item ends with context_values\nversion: 1\ninteractions:\n'

/** Writes one interaction as a list item with its line feed, to be appended to a file that has `recordingFileHeader`. */
export function serializeInteraction({ request, response, contextValues }: Interaction): string {
  const { status, durationMs } = response
  return [
    '- request:',
    `    method: ${yamlText(request.method, 6)}`,
    `    uri: ${yamlText(request.uri, 6)}`,
    ...headerLines(request.headers),
    `    body: ${request.body === undefined ? 'null' : yamlBytes(request.body, 6)}`,
    ...(request.bodyHash === undefined ? [] : [`    body_hash: ${yamlText(request.bodyHash, 6)}`]),
    '  response:',
    '    status:',
    `      code: ${status.code}`,
    ...(status.message === undefined ? [] : [`      message: ${yamlText(status.message, 8)}`]),
    ...headerLines(response.headers),
    ...orderLine(response.headers),
    ...(durationMs === undefined ? [] : [`    duration_ms: ${roundMs(durationMs)}`]),
    '    body:',
    ...bodyLines(response.body),
    // JSON is valid YAML. An item is complete if this line is complete.
    `  context_values: ${JSON.stringify(contextValues)}`,
    '',
  ].join('\n')
}

/** Rounds to 0.01 ms, which is more precise than network times. */
function roundMs(ms: number): string {
  return String(roundTo(ms, 2))
}

function headerLines(headers: HeaderPairs): string[] {
  if (headers.length === 0) return ['    headers: {}']
  const byName = new Map<string, string[]>()
  for (const [name, value] of headers) byName.set(name, [...(byName.get(name) ?? []), value])
  const lines = ['    headers:']
  for (const [name, values] of byName) {
    lines.push(`      ${yamlText(name, 8)}:`)
    for (const value of values) lines.push(`      - ${yamlText(value, 8)}`)
  }
  return lines
}

/** The order of the headers if it is not the order of their names in the map. */
function orderLine(headers: HeaderPairs): string[] {
  const order = headerOrder(headers)
  return order === undefined ? [] : [`    header_order: ${JSON.stringify(order)}`]
}

/** The name of each header in the order of the list; undefined if headers with the same name follow each other. */
export function headerOrder(headers: HeaderPairs): string[] | undefined {
  const names = headers.map(([name]) => name)
  const runs = names.filter((name, index) => name !== names[index - 1])
  return runs.length === new Set(runs).size ? undefined : names
}

function bodyLines(body: RecordedBody): string[] {
  if (body.kind === 'bytes') {
    const pieces = body.pieces?.map(({ atMs, length }) => `[${roundMs(atMs)}, ${length}]`)
    return [
      `      string: ${yamlBytes(body.bytes, 8)}`,
      ...(pieces ? [`      pieces: [${pieces.join(', ')}]`] : []),
    ]
  }
  return ['      events:', ...body.events.flatMap(eventLines)]
}

/** An event with the default framing is written as its fields, any other one as raw text. */
function eventLines({ atMs, text }: RecordedEvent): string[] {
  const fields = eventFields(text).map(([key, value]) => `        ${key}: ${yamlText(value, 10)}`)
  return [`      - at_ms: ${roundMs(atMs)}`, ...fields]
}

/** The keys and values of an event with this text. */
export function eventFields(text: string): readonly (readonly [key: string, value: string])[] {
  const framed = /^(?:event: ([^\r\n]+)\n)?data: ([^\r\n]*)\n\n$/.exec(text)
  if (!framed) return [['raw', text]]
  const [, name, data = ''] = framed
  return name === undefined
    ? [['data', data]]
    : [
        ['event', name],
        ['data', data],
      ]
}
