import { createAzure } from '@ai-sdk/azure'
import { tool } from '@langchain/core/tools'
import { AzureChatOpenAI } from '@langchain/openai'
import { generateText, Output, stepCountIs, tool as aiTool } from 'ai'
import { AzureOpenAI } from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import type { ChatCompletionMessageParam } from 'openai/resources'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

let program: RunningProgram
let openai: AzureOpenAI
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_SEED: 'features', TOOL_CALL_PROBABILITY: '1' } })
  openai = new AzureOpenAI({
    endpoint: program.url,
    apiKey: program.key,
    apiVersion: '2024-10-21',
    maxRetries: 0,
  })
})
afterAll(() => program.stop())

const azure = () => createAzure({ baseURL: `${program.url}/openai/v1`, apiKey: program.key }).chat('gpt-4o')
const langchain = () =>
  new AzureChatOpenAI({
    azureOpenAIApiKey: program.key,
    azureOpenAIEndpoint: program.url,
    azureOpenAIApiVersion: '2024-10-21',
    azureOpenAIApiDeploymentName: 'gpt-4o',
    // It decides by the model's name what it may ask for.
    model: 'gpt-4o',
    maxRetries: 0,
  })

const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'How warm is it in Oslo?' }]
const place = z.object({ city: z.string(), days: z.int().min(1).max(7), unit: z.enum(['C', 'F']) })
const recipe = z.object({
  name: z.string(),
  steps: z.array(z.object({ minutes: z.number(), text: z.string() })),
  difficulty: z.enum(['easy', 'hard']),
  note: z.string().nullable(),
})

describe('tools', () => {
  const tools = [zodFunction({ name: 'get_weather', parameters: place })]

  it('are called with arguments that the client parses by their schema', async () => {
    const completion = await openai.chat.completions.parse({ model: 'gpt-4o', messages, tools })
    const [choice] = completion.choices
    expect(choice?.finish_reason).toBe('tool_calls')
    expect(choice?.message.content).toBeNull()
    const [call] = choice?.message.tool_calls ?? []
    expect(call?.id).toMatch(/^call_[A-Za-z0-9]{24}$/)
    expect(() => place.parse(call?.function.parsed_arguments)).not.toThrow()
  })

  it('are called the same in a stream after the stream helper joined the deltas', async () => {
    const stream = openai.chat.completions.stream({ model: 'gpt-4o', messages, tools, stream: true })
    const [choice] = (await stream.finalChatCompletion()).choices
    const [call] = choice?.message.tool_calls ?? []
    expect(() => place.parse(JSON.parse(call?.function.arguments ?? ''))).not.toThrow()
  })

  it('can be forced and forbidden', async () => {
    const named = { type: 'function', function: { name: 'get_weather' } } as const
    const forced = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages,
      tools,
      tool_choice: named,
    })
    expect(forced.choices[0]?.message.tool_calls).toHaveLength(1)
    const forbidden = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages,
      tools,
      tool_choice: 'none',
    })
    expect(forbidden.choices[0]?.message.content).toMatch(/\w/)
  })

  it('end a loop of calls and results with a text (openai runTools)', async () => {
    const asked: unknown[] = []
    const runner = openai.chat.completions.runTools({
      model: 'gpt-4o',
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The weather of a place',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
            parse: (input: string) => z.object({ city: z.string() }).parse(JSON.parse(input)),
            function: (input: { city: string }) => {
              asked.push(input)
              return '21 degrees'
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toMatch(/\w/)
    expect(asked.length).toBeGreaterThan(0)
  })

  it('end a loop of calls and results with a text (Vercel AI SDK)', async () => {
    const asked: unknown[] = []
    const result = await generateText({
      model: azure(),
      prompt: 'How warm is it in Oslo?',
      tools: {
        getWeather: aiTool({
          description: 'The weather of a place',
          inputSchema: place,
          execute: async (input) => {
            asked.push(input)
            return '21 degrees'
          },
        }),
      },
      stopWhen: stepCountIs(5),
      maxRetries: 0,
    })
    expect(result.text).toMatch(/\w/)
    expect(result.steps).toHaveLength(2)
    expect(asked.length).toBeGreaterThan(0)
  })

  it('are called through LangChain.js', async () => {
    const weather = tool(() => '21 degrees', {
      name: 'get_weather',
      description: 'The weather of a place',
      schema: place,
    })
    const message = await langchain().bindTools([weather]).invoke('How warm is it in Oslo?')
    expect(message.tool_calls?.length).toBeGreaterThan(0)
    for (const call of message.tool_calls ?? []) expect(() => place.parse(call.args)).not.toThrow()
  })
})

describe('structured output', () => {
  it('parses to a value of the schema (openai)', async () => {
    const completion = await openai.chat.completions.parse({
      model: 'gpt-4o',
      messages,
      response_format: zodResponseFormat(recipe, 'recipe'),
    })
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(() => recipe.parse(completion.choices[0]?.message.parsed)).not.toThrow()
  })

  it('streams to a value of the schema (openai)', async () => {
    const stream = openai.chat.completions.stream({
      model: 'gpt-4o',
      messages,
      stream: true,
      response_format: zodResponseFormat(recipe, 'recipe'),
    })
    const completion = await stream.finalChatCompletion()
    expect(() => recipe.parse(completion.choices[0]?.message.parsed)).not.toThrow()
  })

  it('is an object in JSON mode', async () => {
    const completion = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Answer in json.' }],
      response_format: { type: 'json_object' },
    })
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toBeTypeOf('object')
  })

  it('gives a value of the schema (Vercel AI SDK)', async () => {
    const { output } = await generateText({
      model: azure(),
      prompt: 'A recipe',
      output: Output.object({ schema: recipe }),
      maxRetries: 0,
    })
    expect(() => recipe.parse(output)).not.toThrow()
  })

  it.each(['jsonSchema', 'functionCalling'] as const)(
    'gives a value of the schema (LangChain.js, %s)',
    async (method) => {
      const value = await langchain()
        .withStructuredOutput(recipe, { method, name: 'recipe' })
        .invoke('A recipe')
      expect(() => recipe.parse(value)).not.toThrow()
    },
  )
})

describe('reasoning models', () => {
  it('count hidden tokens in steps of 64, within max_completion_tokens', async () => {
    const { usage } = await openai.chat.completions.create({
      model: 'gpt-5-mini',
      messages,
      reasoning_effort: 'low',
      max_completion_tokens: 2_000,
    })
    const reasoning = usage?.completion_tokens_details?.reasoning_tokens ?? Number.NaN
    expect(reasoning % 64).toBe(0)
    expect(usage?.completion_tokens).toBeGreaterThanOrEqual(reasoning)
    expect(usage?.completion_tokens).toBeLessThanOrEqual(2_000)
  })
})
