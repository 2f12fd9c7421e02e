import { sealContent } from '../../src/wire/responses/encrypted-content.ts'
import { renderWav } from '../../src/generate/audio/generate-speech.ts'
import { jsonText } from './mutate-json.ts'
import { pngFile, pngUrl } from './pictures.ts'
import { deploymentPath } from './test-simulator.ts'

/** A valid request of an operation. */
export interface OperationRequest {
  readonly name: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** Headers besides the key and the content type. */
  readonly headers?: Readonly<Record<string, string>>
  /** Set if the body is sent as a form with this file. */
  readonly form?: 'audio' | 'image'
}

const weather = {
  name: 'weather',
  description: 'Tells the weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
}

const chat = {
  messages: [
    // Long enough for the prompt cache.
    { role: 'system', content: 'Answer in json. '.repeat(300), name: 'admin' },
    { role: 'developer', content: [{ type: 'text', text: 'Be short.' }] },
    {
      role: 'user',
      name: 'jo',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
        { id: 'c', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
        { id: 'b', type: 'custom', custom: { name: 'free', input: 'x' } },
      ],
    },
    { role: 'tool', tool_call_id: 'a', content: '12 degrees' },
    { role: 'tool', tool_call_id: 'c', content: '15 degrees' },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'y' }] },
    { role: 'assistant', function_call: { name: 'weather', arguments: '{}' }, audio: { id: 'audio_1' } },
    { role: 'function', name: 'weather', content: '13 degrees' },
    { role: 'user', content: 'Thanks' },
  ],
  max_tokens: 5,
}

/** One of each operation and of each larger variant of its body; none asks for more than a few tokens. */
export const operationRequests: readonly OperationRequest[] = [
  { name: 'chat', path: deploymentPath('gpt-4o', 'chat/completions'), body: chat },
  {
    name: 'chat with audio',
    path: deploymentPath('gpt-audio', 'chat/completions'),
    body: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'input_audio', input_audio: { data: 'UklGRiQAAABXQVZFZm10IA==', format: 'wav' } },
          ],
        },
        { role: 'assistant', audio: { id: 'audio_1' } },
        { role: 'user', content: 'Again' },
      ],
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'pcm16' },
      stream: true,
      max_tokens: 20,
    },
  },
  {
    name: 'chat with a file',
    path: deploymentPath('gpt-5-mini', 'chat/completions'),
    body: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERg==', filename: 'a.pdf' } },
          ],
        },
      ],
      max_completion_tokens: 16,
    },
  },
  {
    name: 'chat with tools',
    path: deploymentPath('gpt-4o', 'chat/completions'),
    body: {
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [
        { type: 'function', function: { ...weather, strict: true } },
        { type: 'custom', custom: { name: 'free', description: 'Any text' } },
      ],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: true,
      logit_bias: { 50256: -100 },
      stop: ['END'],
      max_tokens: 5,
    },
  },
  {
    name: 'chat with functions',
    path: deploymentPath('gpt-4o', 'chat/completions'),
    body: {
      messages: [{ role: 'user', content: 'Hi' }],
      functions: [weather],
      function_call: { name: 'weather' },
      max_tokens: 5,
    },
  },
  {
    name: 'chat with a schema',
    path: '/openai/v1/chat/completions',
    body: {
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Hi' }],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 's',
          description: 'd',
          strict: true,
          schema: {
            type: 'object',
            properties: {
              a: { type: 'array', items: { $ref: '#/$defs/b' }, minItems: 1, maxItems: 2 },
              c: {
                anyOf: [{ type: 'null' }, { type: ['integer', 'string'], enum: [1, 'x'] }],
                description: 'c',
              },
              d: { type: 'string', pattern: '^a+$', format: 'date', minLength: 1, maxLength: 3 },
              e: { type: 'number', minimum: 0, maximum: 1, multipleOf: 0.5 },
            },
            required: ['a', 'c', 'd', 'e'],
            additionalProperties: false,
            $defs: { b: { type: 'integer', const: 1 } },
          },
        },
      },
      logprobs: true,
      top_logprobs: 2,
      n: 2,
      seed: 1,
      user: 'u',
      store: true,
      metadata: { a: 'b' },
      stream_options: { include_usage: true, include_obfuscation: false },
      stream: true,
      temperature: 1,
      top_p: 1,
      max_completion_tokens: 5,
    },
  },
  {
    name: 'reasoning chat',
    path: deploymentPath('gpt-5-mini', 'chat/completions'),
    body: {
      messages: [{ role: 'user', content: 'Hi' }],
      reasoning_effort: 'low',
      verbosity: 'low',
      service_tier: 'auto',
      store: false,
      modalities: ['text'],
      max_completion_tokens: 5,
    },
  },
  {
    name: 'completions',
    path: deploymentPath('gpt-35-turbo-instruct', 'completions'),
    body: {
      prompt: ['Once', 'Twice'],
      suffix: 'end',
      max_tokens: 5,
      n: 1,
      best_of: 2,
      logprobs: 2,
      echo: true,
      stop: 'END',
      logit_bias: { 50256: -100 },
      stream: false,
    },
  },
  {
    name: 'completions of tokens',
    path: deploymentPath('gpt-35-turbo-instruct', 'completions'),
    body: { prompt: [[1, 2], [3]], max_tokens: 5, stream: true, stream_options: { include_usage: true } },
  },
  {
    name: 'embeddings',
    path: deploymentPath('text-embedding-3-small', 'embeddings'),
    body: { input: ['a', 'b'], dimensions: 8, encoding_format: 'float', user: 'u' },
  },
  {
    name: 'embeddings of tokens',
    path: '/openai/v1/embeddings',
    body: { model: 'text-embedding-3-small', input: [[1, 2], [3]], dimensions: 8, encoding_format: 'base64' },
  },
  {
    name: 'input tokens',
    path: '/openai/v1/responses/input_tokens',
    body: { model: 'gpt-4o', instructions: 'Be short.', input: 'Hi' },
  },
  {
    name: 'compacted conversation',
    path: '/openai/v1/responses/compact',
    body: { model: 'gpt-4o', instructions: 'Be short.', input: 'Hi' },
  },
  {
    name: 'model inference',
    path: '/models/chat/completions?api-version=2024-05-01-preview',
    body: { model: 'grok-3', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 },
  },
  {
    name: 'responses',
    path: '/openai/v1/responses',
    body: {
      model: 'gpt-4o',
      instructions: 'Be short.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Hi' },
            { type: 'input_image', image_url: pngUrl(), detail: 'low' },
            { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERg==', filename: 'a.pdf' },
            { type: 'computer_screenshot', image_url: 'https://example.com/a.png' },
          ],
        },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          phase: 'final_answer',
          content: [
            { type: 'output_text', text: 'Yes', annotations: [] },
            { type: 'refusal', refusal: 'No' },
          ],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'weather', arguments: '{"city":"Paris"}' },
        { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: '12' }] },
        { type: 'custom_tool_call', call_id: 'b', name: 'free', input: 'x' },
        { type: 'custom_tool_call_output', call_id: 'b', output: 'y' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
        { role: 'developer', content: 'Go on.' },
      ],
      tools: [
        { type: 'function', ...weather, strict: true },
        { type: 'custom', name: 'free', format: { type: 'text' } },
        { type: 'web_search_preview', user_location: { type: 'approximate', city: 'Paris' } },
        { type: 'mcp', server_label: 's', server_url: 'https://example.com', headers: { a: 'b' } },
        { type: 'file_search', vector_store_ids: ['vs_1'] },
      ],
      tool_choice: { type: 'function', name: 'weather' },
      reasoning: { summary: 'auto' },
      text: { format: { type: 'text' }, verbosity: 'medium' },
      include: ['message.output_text.logprobs'],
      top_logprobs: 2,
      metadata: { a: 'b' },
      parallel_tool_calls: true,
      truncation: 'auto',
      store: false,
      max_output_tokens: 16,
    },
  },
  {
    name: 'a stream of responses',
    path: '/openai/responses?api-version=2025-04-01-preview',
    body: {
      model: 'gpt-5-mini',
      input: [
        { role: 'user', content: 'Hi' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'x' }],
          encrypted_content: sealContent('A'.repeat(660), 'default'),
        },
        { role: 'assistant', content: 'Yes' },
        { role: 'user', content: 'Go on.' },
      ],
      stream: true,
      stream_options: { include_obfuscation: true },
      reasoning: { effort: 'low', summary: 'auto' },
      text: {
        format: {
          type: 'json_schema',
          name: 's',
          schema: {
            type: 'object',
            properties: { a: { type: 'string' } },
            required: ['a'],
            additionalProperties: false,
          },
          strict: true,
        },
      },
      background: false,
      max_tool_calls: 2,
      prompt: { id: 'p', variables: { a: 'b' } },
      max_output_tokens: 16,
    },
  },
  {
    name: 'images',
    path: deploymentPath('dall-e-3', 'images/generations'),
    body: {
      prompt: 'A cat',
      n: 1,
      size: '1024x1024',
      quality: 'standard',
      style: 'vivid',
      response_format: 'url',
    },
  },
  {
    name: 'a stream of images',
    path: '/openai/v1/images/generations',
    body: {
      model: 'gpt-image-1',
      prompt: 'A cat',
      n: 1,
      size: '1024x1024',
      quality: 'low',
      output_format: 'png',
      stream: true,
      partial_images: 1,
    },
  },
  {
    name: 'image edits',
    path: '/openai/v1/images/edits',
    body: {
      model: 'gpt-image-1',
      prompt: 'Add a hat',
      n: '1',
      size: '1024x1024',
      quality: 'low',
      input_fidelity: 'low',
      background: 'opaque',
      output_format: 'png',
      output_compression: '100',
      moderation: 'auto',
      stream: 'true',
      partial_images: '1',
      user: 'u',
    },
    form: 'image',
  },
  {
    name: 'speech',
    path: deploymentPath('tts', 'audio/speech'),
    body: {
      model: 'tts',
      input: 'Hi',
      voice: 'alloy',
      response_format: 'pcm',
      speed: 1,
      instructions: 'Slowly',
    },
  },
  {
    name: 'transcriptions',
    path: deploymentPath('gpt-4o-transcribe', 'audio/transcriptions'),
    body: {
      model: 'gpt-4o-transcribe',
      language: 'en',
      prompt: 'x',
      response_format: 'json',
      temperature: '0',
      stream: 'false',
      'include[]': 'logprobs',
    },
    form: 'audio',
  },
  {
    name: 'translations',
    path: '/openai/v1/audio/translations',
    body: { model: 'whisper-free', response_format: 'verbose_json', prompt: 'x', temperature: '0' },
    form: 'audio',
  },
]

const version = { 'anthropic-version': '2023-06-01' }
const city = {
  name: 'weather',
  description: 'Tells the weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}

/** Requests of Anthropic Messages, which need a header. */
export const messageRequests: readonly OperationRequest[] = [
  {
    name: 'message',
    path: '/anthropic/v1/messages',
    headers: version,
    body: {
      model: 'claude-sonnet-4-5',
      max_tokens: 40,
      system: [
        { type: 'text', text: 'Be short. '.repeat(600), cache_control: { type: 'ephemeral', ttl: '1h' } },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'document', title: 'a', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 'c2lnbg==' },
            { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              is_error: false,
              content: [{ type: 'text', text: '12 degrees' }],
            },
            { type: 'text', text: 'Go on.', cache_control: { type: 'ephemeral' } },
          ],
        },
      ],
      tools: [city],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      metadata: { user_id: 'u' },
      service_tier: 'auto',
      temperature: 0.5,
    },
  },
  {
    name: 'a stream of a message',
    path: '/anthropic/v1/messages',
    headers: version,
    body: {
      model: 'claude-opus-5-5',
      max_tokens: 60,
      stream: true,
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'low' },
      messages: [{ role: 'user', content: 'Hi' }],
    },
  },
  {
    name: 'a stream of a tool call of a message',
    path: '/anthropic/v1/messages',
    headers: version,
    body: {
      model: 'claude-haiku-4-5',
      max_tokens: 100,
      stream: true,
      tools: [city],
      tool_choice: { type: 'tool', name: 'weather' },
      messages: [{ role: 'user', content: 'Hi' }],
    },
  },
  {
    name: 'a message in JSON',
    path: '/anthropic/v1/messages',
    headers: { 'anthropic-version': '2026-10-21' },
    body: {
      model: 'claude-sonnet-5-5',
      max_tokens: 800,
      thinking: { type: 'disabled' },
      output_config: {
        format: {
          type: 'json_schema',
          schema: { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
        },
      },
      messages: [{ role: 'user', content: 'Hi' }],
    },
  },
  {
    name: 'tokens of a message',
    path: '/anthropic/v1/messages/count_tokens',
    headers: version,
    body: {
      model: 'claude-sonnet-4-5',
      system: 'Be short.',
      tools: [city],
      messages: [{ role: 'user', content: 'Hi' }],
    },
  },
]

/** A fifth of a second. */
const audioFile = new Blob([new Uint8Array(renderWav(Buffer.alloc(9_600)))])
const imageFile = new Blob([new Uint8Array(pngFile())], { type: 'image/png' })

/** The body as it is sent; members of a form that are no texts are sent as JSON. */
export function bodyOf({ form: file }: OperationRequest, body: unknown): string | FormData {
  if (!file || typeof body !== 'object' || body === null) return jsonText(body)
  return formOf(file, body as Readonly<Record<string, unknown>>)
}

/** A form with a file. */
export function formOf(file: 'audio' | 'image', body: Readonly<Record<string, unknown>>): FormData {
  const form = new FormData()
  if (file === 'audio') form.set('file', audioFile, 'a.wav')
  else form.set('image', imageFile, 'a.png')
  for (const [name, value] of Object.entries(body)) {
    form.append(name, typeof value === 'string' ? value : jsonText(value))
  }
  return form
}
