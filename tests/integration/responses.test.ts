import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { namedEventsOf } from '../support/response-events.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/openai/v1/responses'
const hello = { model: 'gpt-4o', input: 'Say hello in one sentence.', max_output_tokens: 16 }
const tool = {
  type: 'function',
  name: 'get_weather',
  description: 'Weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

interface ResponseBody {
  id: string
  status: string
  incomplete_details: { reason: string } | null
  model: string
  output: { id: string; type: string; status?: string; arguments?: string; content?: { text: string }[] }[]
  usage: { input_tokens: number; output_tokens: number; output_tokens_details: { reasoning_tokens: number } }
}

function withoutChance(text: string): string {
  return text
    .replaceAll(/"(resp|msg|rs|fc)_[0-9a-f]{50}"/g, '"$1_ID"')
    .replaceAll(/"text": "[A-Z][a-z ,.A-Z]+"/g, '"text": "TEXT"')
    .replaceAll(/"end_offset": \d+/g, '"end_offset": N')
}

describe('the Responses API', () => {
  it('refuses a screenshot with an address that is not text', async () => {
    const { post } = createTestSimulator()
    const content = [{ type: 'computer_screenshot', image_url: 5 }]
    const response = await post(path, { ...hello, input: [{ role: 'user', content }] })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: {
          message:
            "Invalid type for 'input[0].content[0].image_url': expected a string, but got an integer instead.",
          type: 'invalid_request_error',
          param: 'input[0].content[0].image_url',
          code: 'invalid_type',
        },
      },
    ])
  })

  it('returns the bytes of a capture of April 2026', async () => {
    const { post } = createTestSimulator({ env: { WIRE_PROFILE: '2026-04' } })
    const body = { ...hello, tools: [{ type: 'web_search_preview' }] }
    const response = await post(path, body)
    expect(response.status).toBe(200)
    expect(withoutChance(await response.text())).toBe(`{
  "id": "resp_ID",
  "object": "response",
  "created_at": 1767225600,
  "status": "incomplete",
  "background": false,
  "completed_at": null,
  "content_filters": [
    {
      "blocked": false,
      "source_type": "prompt",
      "content_filter_raw": [],
      "content_filter_results": {
        "jailbreak": {
          "detected": false,
          "filtered": false
        },
        "hate": {
          "filtered": false,
          "severity": "safe"
        },
        "sexual": {
          "filtered": false,
          "severity": "safe"
        },
        "violence": {
          "filtered": false,
          "severity": "safe"
        },
        "self_harm": {
          "filtered": false,
          "severity": "safe"
        }
      },
      "content_filter_offsets": {
        "start_offset": 0,
        "end_offset": N,
        "check_offset": 0
      }
    },
    {
      "blocked": false,
      "source_type": "completion",
      "content_filter_raw": [],
      "content_filter_results": {
        "hate": {
          "filtered": false,
          "severity": "safe"
        },
        "sexual": {
          "filtered": false,
          "severity": "safe"
        },
        "violence": {
          "filtered": false,
          "severity": "safe"
        },
        "self_harm": {
          "filtered": false,
          "severity": "safe"
        },
        "protected_material_code": {
          "detected": false,
          "filtered": false
        },
        "protected_material_text": {
          "detected": false,
          "filtered": false
        }
      },
      "content_filter_offsets": {
        "start_offset": 0,
        "end_offset": N,
        "check_offset": 0
      }
    }
  ],
  "error": null,
  "frequency_penalty": 0.0,
  "incomplete_details": {
    "reason": "max_output_tokens"
  },
  "instructions": null,
  "max_output_tokens": 16,
  "max_tool_calls": null,
  "model": "gpt-4o",
  "output": [
    {
      "id": "msg_ID",
      "type": "message",
      "status": "incomplete",
      "content": [
        {
          "type": "output_text",
          "annotations": [],
          "logprobs": [],
          "text": "TEXT"
        }
      ],
      "role": "assistant"
    }
  ],
  "parallel_tool_calls": true,
  "presence_penalty": 0.0,
  "previous_response_id": null,
  "prompt_cache_key": null,
  "prompt_cache_retention": null,
  "reasoning": {
    "effort": null,
    "summary": null
  },
  "safety_identifier": null,
  "service_tier": "default",
  "store": true,
  "temperature": 1.0,
  "text": {
    "format": {
      "type": "text"
    },
    "verbosity": "medium"
  },
  "tool_choice": "auto",
  "tools": [
    {
      "type": "web_search_preview",
      "search_content_types": [
        "text"
      ],
      "search_context_size": "medium",
      "user_location": {
        "type": "approximate",
        "city": null,
        "country": "US",
        "region": null,
        "timezone": null
      }
    }
  ],
  "top_logprobs": 0,
  "top_p": 1.0,
  "truncation": "disabled",
  "usage": {
    "input_tokens": 13,
    "input_tokens_details": {
      "cached_tokens": 0
    },
    "output_tokens": 16,
    "output_tokens_details": {
      "reasoning_tokens": 0
    },
    "total_tokens": 29
  },
  "user": null,
  "metadata": {}
}`)
  })

  it.each(['/openai/v1/responses', '/v1/responses', '/openai/responses?api-version=2025-04-01-preview'])(
    'is served under %s',
    async (somewhere) => {
      const { post } = createTestSimulator()
      const body = (await (await post(somewhere, hello)).json()) as ResponseBody
      expect(body.model).toBe('gpt-4o')
    },
  )

  it('returns the name of the deployment as the model', async () => {
    const { post } = createTestSimulator({ deployments: { mine: { model: 'gpt-4o' } } })
    const body = (await (await post(path, { ...hello, model: 'mine' })).json()) as ResponseBody
    expect(body.model).toBe('mine')
  })

  it('sends the headers of chat without those for the session, the filter and buffering', async () => {
    const { post } = createTestSimulator({
      deployments: { mine: { model: 'gpt-4o', tokensPerMinute: 9_000 } },
    })
    const { headers } = await post(path, { ...hello, model: 'mine' })
    const left = ['azureml-model-session', 'x-accel-buffering', 'x-ms-rai-invoked']
    expect(left.filter((name) => headers.has(name))).toEqual([])
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('x-ratelimit-key')).toBe('mine')
    expect(headers.get('skip-error-remapping')).toBe('true')
  })

  it('escapes non-ASCII characters and repeats the parameters of the request', async () => {
    const { post } = createTestSimulator()
    const text = await (
      await post(path, { ...hello, instructions: 'Sei höflich 😊', metadata: { a: 'ü' }, temperature: 0.5 })
    ).text()
    expect(text).toContain('"instructions": "Sei h\\u00f6flich \\ud83d\\ude0a"')
    expect(text).toContain('"metadata": {\n    "a": "\\u00fc"\n  }')
    expect(text).toContain('"temperature": 0.5')
  })

  it('writes the requested number of tokens and reports the limit as the reason', async () => {
    const { post } = createTestSimulator()
    const body = (await (await post(path, { ...hello, max_output_tokens: 100 })).json()) as ResponseBody
    expect(body.status).toBe('incomplete')
    expect(body.incomplete_details).toEqual({ reason: 'max_output_tokens' })
    expect(loadEncoding('o200k_base').count(body.output[0]?.content?.[0]?.text ?? '')).toBe(100)
    expect(body.usage.output_tokens).toBe(100)
  })

  it('answers with a required tool call', async () => {
    const { post } = createTestSimulator()
    const body = (await (
      await post(path, { ...hello, max_output_tokens: null, tools: [tool], tool_choice: 'required' })
    ).json()) as ResponseBody
    expect(body.status).toBe('completed')
    expect(body.output.map(({ type }) => type)).toContain('function_call')
    const call = body.output.find(({ type }) => type === 'function_call')
    expect(Object.keys(call ?? {})).toEqual(['id', 'type', 'status', 'arguments', 'call_id', 'name'])
    expect(JSON.parse(call?.arguments ?? '')).toHaveProperty('city')
  })

  it('bills the encrypted reasoning of a call with its result, as many tokens as it had', async () => {
    const { post } = createTestSimulator()
    const base = {
      model: 'gpt-5',
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'medium' },
      tools: [{ type: 'function', name: 'now', parameters: { type: 'object', properties: {} } }],
    }
    const question = { role: 'user', content: 'What time is it?' }
    const ask = async (input: unknown, choice: string): Promise<ResponseBody> =>
      (await (await post(path, { ...base, input, tool_choice: choice })).json()) as ResponseBody
    const called = await ask([question], 'required')
    const [thought, ...calls] = called.output
    const results = calls.map((call) => ({
      ...call,
      id: undefined,
      type: 'function_call_output',
      output: 'noon',
    }))
    const next = async (reasoning: readonly unknown[]): Promise<number> =>
      (await ask([question, ...reasoning, ...calls, ...results], 'none')).usage.input_tokens
    const { reasoning_tokens: tokens } = called.usage.output_tokens_details
    expect(tokens).toBeGreaterThan(0)
    expect((await next([thought])) - (await next([]))).toBe(tokens)
  })

  it('adds a reasoning item for reasoning models, with a summary on request', async () => {
    const { post } = createTestSimulator()
    const answer = async (model: string, reasoning?: object): Promise<ResponseBody> =>
      (await (await post(path, { model, input: 'Think.', reasoning })).json()) as ResponseBody
    expect((await answer('gpt-5')).output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect((await answer('gpt-5.4')).output.map(({ type }) => type)).toEqual(['message'])
    const summarised = await answer('gpt-5', { effort: 'high', summary: 'auto' })
    expect(summarised.usage.output_tokens_details.reasoning_tokens % 64).toBe(0)
    expect(summarised.output[0]).toMatchObject({ summary: [{ type: 'summary_text' }] })
  })

  it('refuses a model without support for responses', async () => {
    const { post } = createTestSimulator({ deployments: { old: { model: 'gpt-35-turbo' } } })
    const response = await post(path, { ...hello, model: 'old' })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('"code":"OperationNotSupported"')
  })

  it('refuses input above the context size unless truncation is on', async () => {
    const { post } = createTestSimulator()
    const long = { model: 'gpt-4o', input: 'word '.repeat(130_000), max_output_tokens: 16 }
    const response = await post(path, long)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: 'context_length_exceeded', param: 'input' },
    })
    expect((await post(path, { ...long, truncation: 'auto' })).status).toBe(200)
  })

  it('refuses a filtered prompt, and cuts a filtered answer', async () => {
    const { post } = createTestSimulator({
      env: { CONTENT_FILTER_PROMPT: 'attack', CONTENT_FILTER_COMPLETION: 'hate: insult' },
    })
    const refused = await post(path, { ...hello, input: 'An attack.' })
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: { code: 'content_filter' } })
    const cut = await (await post(path, { ...hello, input: 'An insult.' })).json()
    expect(cut).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
      content_filters: [
        { blocked: false },
        { blocked: true, content_filter_results: { hate: { filtered: true } } },
      ],
    })
  })
})

describe('a streamed response', () => {
  it('starts, sends its item token by token, and ends without [DONE]', async () => {
    const { post } = createTestSimulator()
    const response = await post(path, { ...hello, stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const events = namedEventsOf(await response.text())
    expect(events.map(({ name }) => name)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...Array.from({ length: 16 }, () => 'response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ])
    expect(events.map(({ data }) => data.sequence_number)).toEqual([...events.keys()])
    expect(events.map(({ data }) => data.type)).toEqual(events.map(({ name }) => name))
    expect(events[0]?.data['response']).toMatchObject({
      status: 'in_progress',
      content_filters: null,
      output: [],
      service_tier: 'auto',
      usage: null,
    })
    expect(events.at(-1)?.data['response']).toMatchObject({
      status: 'incomplete',
      service_tier: 'default',
      usage: { output_tokens: 16 },
    })
  })

  it('has the fields of each event in the order of a capture of April 2026', async () => {
    const { post } = createTestSimulator()
    const events = namedEventsOf(await (await post(path, { ...hello, stream: true })).text())
    const keys = new Map(events.map(({ name, data }) => [name, Object.keys(data).join()]))
    expect(Object.fromEntries(keys)).toEqual({
      'response.created': 'type,response,sequence_number',
      'response.in_progress': 'type,response,sequence_number',
      'response.output_item.added': 'type,item,output_index,sequence_number',
      'response.content_part.added': 'type,content_index,item_id,output_index,part,sequence_number',
      'response.output_text.delta':
        'type,content_index,delta,item_id,logprobs,obfuscation,output_index,sequence_number',
      'response.output_text.done': 'type,content_index,item_id,logprobs,output_index,sequence_number,text',
      'response.content_part.done': 'type,content_index,item_id,output_index,part,sequence_number',
      'response.output_item.done': 'type,item,output_index,sequence_number',
      'response.incomplete': 'type,response,sequence_number',
    })
  })

  it('pads each delta to a multiple of 16 unless include_obfuscation is false', async () => {
    const { post } = createTestSimulator()
    const body = { ...hello, tools: [tool], tool_choice: 'required', max_output_tokens: null, stream: true }
    const deltas = async (options: object): Promise<Record<string, unknown>[]> =>
      namedEventsOf(await (await post(path, { ...body, ...options })).text())
        .filter(({ name }) => name.endsWith('.delta'))
        .map(({ data }) => data)
    const padded = await deltas({})
    expect(padded.length).toBeGreaterThan(0)
    for (const { delta, obfuscation } of padded) {
      expect(`${delta as string}${obfuscation as string}`.length % 16).toBe(0)
    }
    for (const data of await deltas({ stream_options: { include_obfuscation: false } })) {
      expect(data).not.toHaveProperty('obfuscation')
    }
  })

  it('sends calls one after another, with their arguments in pieces', async () => {
    const { post } = createTestSimulator()
    const body = { ...hello, tools: [tool], tool_choice: 'required', max_output_tokens: null, stream: true }
    const events = namedEventsOf(await (await post(path, body)).text())
    const names = [...new Set(events.map(({ name }) => name))]
    expect(names).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    const { data: done } = events.find(({ name }) => name.endsWith('arguments.done')) ?? {}
    const pieces = events
      .filter(({ name, data }) => name.endsWith('arguments.delta') && data['item_id'] === done?.['item_id'])
      .map(({ data }) => data['delta'])
    expect(pieces.join('')).toBe(done?.['arguments'])
  })

  it('is cut by the asynchronous filter', async () => {
    const { post } = createTestSimulator({ env: { CONTENT_FILTER_LATE: 'violence: fight' } })
    const body = { ...hello, input: 'A fight.', max_output_tokens: 40, stream: true }
    const events = namedEventsOf(await (await post(path, body)).text())
    expect(events.filter(({ name }) => name.endsWith('.delta'))).toHaveLength(20)
    expect(events.at(-1)).toMatchObject({
      name: 'response.incomplete',
      data: {
        response: {
          incomplete_details: { reason: 'content_filter' },
          output: [{ status: 'incomplete' }],
          usage: { output_tokens: 20 },
        },
      },
    })
  })

  it('reports that it is queued in the background', async () => {
    const { post } = createTestSimulator()
    const events = namedEventsOf(
      await (await post(path, { ...hello, background: true, stream: true })).text(),
    )
    const states = events
      .slice(0, 3)
      .map(({ name, data }) => [name, (data['response'] as ResponseBody).status])
    expect(states).toEqual([
      ['response.created', 'queued'],
      ['response.queued', 'queued'],
      ['response.in_progress', 'in_progress'],
    ])
  })

  it('sends tokens by the latency, and ends with the last', async () => {
    const { post, clock } = createTestSimulator({ env: { LATENCY_TIME_SCALE: '1' } })
    const arrivals: { atMs: number; text: string }[] = []
    const reading = post(path, { ...hello, stream: true }).then(async (response) => {
      for await (const chunk of response.body ?? []) {
        arrivals.push({ atMs: clock.nowMs(), text: Buffer.from(chunk).toString() })
      }
    })
    await clock.advance(120_000)
    await reading
    const deltas = arrivals.filter(({ text }) => text.includes('event: response.output_text.delta'))
    // Several can be due at the same time, but not all.
    expect(new Set(deltas.map(({ atMs }) => atMs)).size).toBeGreaterThan(8)
    expect(arrivals.at(-1)?.text).toMatch(/event: response\.incomplete\n.*\n\n$/)
    expect(arrivals.at(-1)?.atMs).toBe(deltas.at(-1)?.atMs)
  })
})
