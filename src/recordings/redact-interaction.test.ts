import { expect, it } from 'vitest'
import type { Interaction } from './interaction.ts'
import { createRedactor } from './redact-interaction.ts'

const event = (text: string) => ({ atMs: 1, text })

/** Five slices. The last one contains a credential. */
const stream: Interaction = {
  request: {
    method: 'POST',
    uri: 'https://h/a?api-key=planted',
    headers: [],
    body: undefined,
    bodyHash: undefined,
  },
  response: {
    status: { code: 200, message: undefined },
    headers: [['set-cookie', 'a=planted']],
    durationMs: undefined,
    body: {
      kind: 'events',
      events: [
        ...Array.from({ length: 4 }, () => event(`data: {"x":"${'a'.repeat(1_000_000)}"}\n\n`)),
        event('data: {"api_key":"planted"}\n\n'),
      ],
    },
  },
  contextValues: {},
}

it('redaction of a long stream yields between slices and returns the same as synchronous redaction', async () => {
  const redactor = createRedactor([])
  let others = 0
  const inSlices = redactor.interactionInSlices(stream)
  const count = setInterval(() => others++, 0)
  const clean = await inSlices
  clearInterval(count)
  expect(others).toBeGreaterThan(0)
  expect(clean).toEqual(redactor.interaction(stream))
  expect(JSON.stringify(clean)).not.toContain('planted')
})
