import { chatFieldList } from '../src/wire/chat/validate-chat.ts'
import { completionsFields } from '../src/wire/completions/completions-request.ts'
import { embeddingsFields } from '../src/wire/embeddings/embeddings-request.ts'
import { audioFormChecks } from '../src/wire/audio/transcription-request.ts'
import { speechFields } from '../src/wire/audio/speech-request.ts'
import { dalleFields, gptImageFields } from '../src/wire/images/image-request.ts'
import { imageEditFields } from '../src/wire/images/image-edit-request.ts'
import { capabilitiesOf } from '../src/wire/models/model-capabilities.ts'
import { responsesFields } from '../src/wire/responses/validate-responses.ts'

/** What a parameter does. */
interface Effect {
  /** A value that is sent. */
  readonly value: unknown
  /** Other fields of the request, with and without the parameter. */
  readonly with?: Readonly<Record<string, unknown>>
  /** The request without the parameter, if it is not that of the operation. */
  readonly without?: unknown
  /** Part of the error. Absent: the answer differs from that without the parameter. */
  readonly refused?: string
  /** Default 400. */
  readonly status?: number
  /** Why the answer does not differ, on the service and here. */
  readonly reason?: string
}

/** An operation with the effects of all its parameters. */
export interface OperationEffects {
  readonly name: string
  readonly model: string
  /** Names of the parameters in the validator. */
  readonly parameters: readonly string[]
  readonly path: string
  /** The request. Forms also have a file. */
  readonly body: Readonly<Record<string, unknown>>
  readonly form?: 'audio' | 'image'
  readonly effects: Readonly<Record<string, Effect>>
}

const abuse = 'for abuse monitoring; not in the answer'
const sampling = 'changes only which words a model chooses; the words are lorem ipsum'
const caching = 'affects the prompt cache (`cached_tokens` of later requests)'
const naming = 'names the deployment on v1 paths; ignored on deployment paths'

const user = [{ role: 'user', content: 'Tell me about json and whales, in a few words.' }]
const tools = [
  { type: 'function', function: { name: 'f' } },
  { type: 'function', function: { name: 'g' } },
]
const named = (fields: readonly { readonly name: string }[]): string[] => fields.map(({ name }) => name)

/** Reasoning models have another deployment. */
const deployment = (model: string, path: string): string =>
  `/openai/deployments/${model}/${path}?api-version=2025-04-01-preview`

export const operationEffects: readonly OperationEffects[] = [
  {
    name: 'chat/completions',
    model: 'gpt-4o',
    parameters: named(
      chatFieldList(capabilitiesOf({ name: 'gpt-4o', version: '2024-11-20', reasoning: false })),
    ),
    path: deployment('gpt-4o', 'chat/completions'),
    body: { messages: user },
    effects: {
      messages: { value: [{ role: 'user', content: 'Hi' }], without: user },
      functions: { value: [{ name: 'f' }] },
      function_call: { value: { name: 'f' }, with: { functions: [{ name: 'f' }] } },
      tools: { value: tools },
      tool_choice: { value: 'required', with: { tools } },
      parallel_tool_calls: { value: false, with: { tools, tool_choice: 'required', n: 20 } },
      max_completion_tokens: { value: 3 },
      max_tokens: { value: 3 },
      n: { value: 2 },
      stop: { value: ' ' },
      temperature: { value: 0, reason: sampling },
      top_p: { value: 0.5, reason: sampling },
      presence_penalty: { value: 1, reason: sampling },
      frequency_penalty: { value: 1, reason: sampling },
      logprobs: { value: true },
      top_logprobs: { value: 2, with: { logprobs: true } },
      user: { value: 'u', reason: abuse },
      seed: { value: 7 },
      safety_identifier: { value: 'u', reason: abuse },
      prompt_cache_options: {
        value: { ttl: '30m' },
        refused: 'prompt_cache_options is not supported on this model',
      },
      prompt_cache_key: { value: 'k', reason: caching },
      prompt_cache_retention: { value: 'in_memory', reason: caching },
      service_tier: { value: 'flex', refused: 'Unsupported service_tier: flex' },
      stream: { value: true },
      stream_options: { value: { include_usage: true }, with: { stream: true } },
      store: { value: true, reason: 'stored chat completions cannot be read on Azure' },
      metadata: { value: { a: 'b' }, with: { store: true }, reason: 'belongs to stored chat completions' },
      logit_bias: { value: { 1: 1 }, reason: sampling },
      prediction: { value: { type: 'content', content: 'A predicted text' } },
      verbosity: { value: 'high', refused: "'verbosity' does not support 'high' with this model" },
      moderation: { value: { model: 'omni-moderation-latest' } },
      response_format: { value: { type: 'json_object' } },
      reasoning_effort: { value: 'low', refused: 'reasoning_effort' },
      modalities: { value: ['text', 'audio'], refused: "does not support 'audio' with this model" },
      audio: {
        value: { voice: 'alloy', format: 'wav' },
        reason: 'without the modality `audio`, the service ignores it (a capture of 2025)',
      },
      web_search_options: { value: {}, refused: 'Web search options not supported with this model.' },
      data_sources: {
        value: [
          {
            type: 'azure_search',
            parameters: {
              endpoint: 'https://e',
              index_name: 'i',
              authentication: { type: 'api_key', key: 'k' },
            },
          },
        ],
      },
      user_security_context: { value: { end_user_id: 'u' }, reason: 'only in alerts of Microsoft Defender' },
      model: { value: 'm', reason: naming },
    },
  },
  {
    name: 'completions',
    model: 'gpt-35-turbo-instruct',
    parameters: named(completionsFields),
    path: deployment('gpt-35-turbo-instruct', 'completions'),
    body: { prompt: 'Tell me about whales', max_tokens: 40 },
    effects: {
      prompt: { value: 'Hi', without: 'Tell me about whales' },
      suffix: { value: 'The end.' },
      max_tokens: { value: 3, without: 40 },
      n: { value: 2 },
      best_of: { value: 3 },
      stop: { value: ' ' },
      temperature: { value: 0, reason: sampling },
      top_p: { value: 0.5, reason: sampling },
      presence_penalty: { value: 1, reason: sampling },
      frequency_penalty: { value: 1, reason: sampling },
      logprobs: { value: 2 },
      echo: { value: true },
      user: { value: 'u', reason: abuse },
      seed: { value: 7 },
      stream: { value: true },
      stream_options: { value: { include_usage: true }, with: { stream: true } },
      logit_bias: { value: { 1: 1 }, reason: sampling },
      model: { value: 'm', reason: naming },
    },
  },
  {
    name: 'embeddings',
    model: 'text-embedding-3-small',
    parameters: named(embeddingsFields),
    path: deployment('text-embedding-3-small', 'embeddings'),
    body: { input: 'Hi' },
    effects: {
      input: { value: 'Ho', without: 'Hi' },
      model: { value: 'm', reason: naming },
      dimensions: { value: 8 },
      encoding_format: { value: 'base64' },
      user: { value: 'u', reason: abuse },
      input_type: { value: 'query', reason: 'the models of OpenAI have no types of input' },
    },
  },
  {
    name: 'images/generations',
    model: 'dall-e-3',
    parameters: named(dalleFields),
    path: deployment('dall-e-3', 'images/generations'),
    body: { prompt: 'A cat', response_format: 'b64_json' },
    effects: {
      prompt: { value: 'A dog', without: 'A cat' },
      model: { value: 'm', reason: naming },
      n: { value: 2, refused: 'You must provide n=1 for this model.' },
      quality: { value: 'hd', reason: 'changes details of the picture and the price of Azure' },
      response_format: { value: 'url', without: 'b64_json' },
      size: { value: '1024x1792' },
      style: { value: 'natural' },
      user: { value: 'u', reason: abuse },
    },
  },
  {
    name: 'images/generations',
    model: 'gpt-image-1',
    parameters: named(gptImageFields),
    path: deployment('gpt-image-1', 'images/generations'),
    body: { prompt: 'A cat' },
    effects: {
      prompt: { value: 'A dog', without: 'A cat' },
      model: { value: 'm', reason: naming },
      background: { value: 'transparent' },
      moderation: {
        value: 'low',
        reason: 'a less strict filter; the filter of the simulator looks for configured phrases',
      },
      n: { value: 2 },
      output_compression: { value: 50, refused: 'Compression less than 100' },
      output_format: { value: 'jpeg', refused: "does not support 'jpeg' in this simulator" },
      partial_images: { value: 1, with: { stream: true } },
      quality: { value: 'low' },
      size: { value: '1024x1536' },
      stream: { value: true },
      user: { value: 'u', reason: abuse },
    },
  },
  {
    name: 'images/edits',
    model: 'gpt-image-1',
    parameters: named(imageEditFields),
    path: deployment('gpt-image-1', 'images/edits'),
    body: { prompt: 'A hat' },
    form: 'image',
    effects: {
      prompt: { value: 'A coat', without: 'A hat' },
      model: { value: 'm', reason: naming },
      background: { value: 'transparent' },
      moderation: {
        value: 'low',
        reason: 'a less strict filter; the filter of the simulator looks for configured phrases',
      },
      n: { value: '2' },
      output_compression: { value: '50', refused: 'Compression less than 100' },
      output_format: { value: 'jpeg', refused: "does not support 'jpeg' in this simulator" },
      partial_images: { value: '1', with: { stream: 'true' } },
      quality: { value: 'low' },
      size: { value: '1024x1536' },
      stream: { value: 'true' },
      user: { value: 'u', reason: abuse },
      input_fidelity: { value: 'high' },
    },
  },
  {
    name: 'audio/speech',
    model: 'gpt-4o-mini-tts',
    parameters: named(speechFields),
    path: deployment('gpt-4o-mini-tts', 'audio/speech'),
    body: { input: 'Hello whales', voice: 'alloy', response_format: 'pcm' },
    effects: {
      input: { value: 'Hello', without: 'Hello whales' },
      voice: { value: 'coral', without: 'alloy' },
      model: { value: 'm', reason: naming },
      instructions: { value: 'Slowly', with: { stream_format: 'sse' } },
      response_format: { value: 'wav', without: 'pcm' },
      speed: { value: 2 },
      stream_format: { value: 'sse' },
    },
  },
  {
    name: 'audio/transcriptions',
    model: 'gpt-4o-transcribe',
    parameters: [...audioFormChecks('transcribe').keys()],
    path: deployment('gpt-4o-transcribe', 'audio/transcriptions'),
    body: { model: 'gpt-4o-transcribe' },
    form: 'audio',
    effects: {
      response_format: { value: 'text' },
      prompt: { value: 'whales' },
      temperature: { value: '0.5', reason: sampling },
      language: { value: 'de', reason: 'helps the model; only `verbose_json` of whisper contains it' },
      stream: { value: 'true' },
      'timestamp_granularities[]': {
        value: 'word',
        refused: "only allowed when 'response_format' is 'verbose_json'",
      },
      'include[]': { value: 'logprobs' },
      chunking_strategy: { value: 'auto', reason: 'changes where the model splits audio' },
    },
  },
  {
    name: 'audio/translations',
    model: 'whisper',
    parameters: [...audioFormChecks('translate').keys()],
    path: deployment('whisper', 'audio/translations'),
    body: { model: 'whisper', response_format: 'verbose_json' },
    form: 'audio',
    effects: {
      response_format: { value: 'text', without: 'verbose_json' },
      prompt: { value: 'whales', reason: 'helps the model; not in the answer of whisper' },
      temperature: { value: '0.5' },
    },
  },
  {
    name: 'responses',
    model: 'gpt-4o',
    parameters: named(responsesFields),
    path: '/openai/v1/responses',
    body: { model: 'gpt-4o', input: 'Tell me about json and whales, in a few words.' },
    effects: {
      input: { value: 'Hi', without: 'Tell me about json and whales, in a few words.' },
      instructions: { value: 'Be short.' },
      previous_response_id: { value: 'resp_1', refused: "Previous response with id 'resp_1' not found." },
      tools: { value: [{ type: 'function', name: 'f' }] },
      tool_choice: { value: 'required', with: { tools: [{ type: 'function', name: 'f' }] } },
      parallel_tool_calls: { value: false },
      max_output_tokens: { value: 16 },
      max_tool_calls: { value: 1 },
      temperature: { value: 0 },
      top_p: { value: 0.5 },
      presence_penalty: { value: 1 },
      frequency_penalty: { value: 1 },
      top_logprobs: { value: 2 },
      text: { value: { format: { type: 'json_object' } } },
      reasoning: { value: { effort: 'low' }, refused: 'reasoning' },
      truncation: { value: 'auto' },
      include: { value: ['message.output_text.logprobs'] },
      user: { value: 'u' },
      safety_identifier: { value: 'u' },
      prompt_cache_key: { value: 'k' },
      prompt_cache_retention: { value: 'in_memory', reason: caching },
      prompt_cache_options: {
        value: { ttl: '30m' },
        refused: 'prompt_cache_options is not supported on this model',
      },
      service_tier: { value: 'flex', refused: 'Unsupported service_tier: flex' },
      stream: { value: true },
      stream_options: { value: { include_obfuscation: false }, with: { stream: true } },
      store: { value: false },
      background: { value: true },
      metadata: { value: { a: 'b' } },
      prompt: { value: { id: 'pmpt_1' } },
      conversation: { value: 'conv_1', refused: "Conversation with id 'conv_1' not found.", status: 404 },
      context_management: {
        value: [{ type: 'compaction', compact_threshold: 1_000 }],
        with: { input: 'word '.repeat(1_200) },
      },
      moderation: { value: { model: 'omni-moderation-latest' } },
      model: { value: 'gpt-4.1', without: 'gpt-4o' },
    },
  },
]
