import { OperatorError } from '../lib/operator-error.ts'
import type { Interaction } from '../recordings/interaction.ts'
import { createRedactor } from '../recordings/redact-interaction.ts'
import { prepareAnswer } from '../recordings/replay-answer.ts'
import { serialiseInteraction } from '../recordings/yaml-format.ts'
import { utf8Text } from '../recordings/yaml-scalar.ts'
import { tellProblems } from './recordings-problems.ts'
import type { RecordingsRun } from './recordings-run.ts'

/**
 * Prints interactions in full, with their bodies as they are replayed, without credentials.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE for a line on which no interaction begins
 */
export function showRecordings(run: RecordingsRun, places: readonly string[]): void {
  const redactor = createRedactor(run.settings('redact'), { keepsHeaders: true })
  const shown: unknown[] = []
  for (const place of places) {
    const [, path = place, line] = /^(.*?):(\d+)$/.exec(place) ?? []
    const lines: number[] = []
    let found = 0
    const problems = run.scan(run.filesOf([path]), (whole, file, at) => {
      lines.push(at.line)
      if (line !== undefined && Number(line) !== at.line) return
      found++
      const interaction = redactor.interaction(whole)
      if (run.isJson) shown.push({ place: `${run.shown(file)}:${at.line}`, ...asJson(interaction) })
      else
        run.print(`# ${run.shown(file)}:${at.line}\n${serialiseInteraction(decoded(interaction)).trimEnd()}`)
    })
    tellProblems(run, problems)
    if (found > 0) continue
    throw new OperatorError(
      'RECORDINGS_UNREADABLE',
      `Could not show ${place}: no interaction begins there (${lines.length === 0 ? 'there is none in it' : `they begin on ${lines.slice(0, 20).join(', ')}`}). Take a place from aoai-sim recordings list ${path}.`,
    )
  }
  run.printJson(shown)
}

/** The interaction without content codings, which nobody can read. */
function decoded(interaction: Interaction): Interaction {
  const { response } = interaction
  const { bytes, headers } = prepareAnswer(response)
  if (!bytes) return interaction
  const pairs = response.headers.filter(
    ([name]) => name.toLowerCase() !== 'content-encoding' || headers.some((kept) => kept === name),
  )
  return { ...interaction, response: { ...response, headers: pairs, body: { kind: 'bytes', bytes } } }
}

function asJson(interaction: Interaction): object {
  const { request, response, contextValues } = decoded(interaction)
  return {
    request: { ...request, body: request.body && bodyJson(request.body) },
    response: {
      ...response,
      body:
        response.body.kind === 'events' ? { events: response.body.events } : bodyJson(response.body.bytes),
    },
    contextValues,
  }
}

function bodyJson(bytes: Uint8Array): object {
  const text = utf8Text(bytes)
  return text === undefined ? { base64: Buffer.from(bytes).toString('base64') } : { text }
}
