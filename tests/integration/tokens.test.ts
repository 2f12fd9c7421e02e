import { describe, expect, it } from 'vitest'
import { pngUrl } from '../support/pictures.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const { post } = createTestSimulator({ deployments: { chat: { model: 'gpt-4o-mini' } } })

async function billed(body: object): Promise<unknown> {
  const response = await post(deploymentPath('chat', 'chat/completions'), { max_tokens: 1, ...body })
  const { usage } = (await response.json()) as { usage?: { prompt_tokens: number } }
  return usage?.prompt_tokens
}

/** Recorded with their bills by opentelemetry-python-contrib (gpt-4o-mini, 2024). */
describe('usage', () => {
  it('has the billed prompt tokens of a request with tools', async () => {
    const messages = [
      { role: 'system', content: "You're a helpful assistant." },
      { role: 'user', content: "What's the weather in Seattle and San Francisco today?" },
    ]
    const parameters = {
      type: 'object',
      properties: { location: { type: 'string', description: 'The city and state, e.g. Boston, MA' } },
      required: ['location'],
      additionalProperties: false,
    }
    const description = 'Get the current weather in a given location'
    const definition = { name: 'get_current_weather', description, parameters }
    const tools = [{ type: 'function', function: definition }]
    expect(await billed({ messages, tools, tool_choice: 'auto' })).toBe(75)
  })

  it('counts an image by its size', async () => {
    const content = [{ type: 'image_url', image_url: { url: pngUrl(512, 512), detail: 'high' } }]
    expect(await billed({ messages: [{ role: 'user', content }] })).toBe(7 + 2_833 + 5_667)
  })
})
