import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  chat,
  chatPath,
  chatWith,
  recordingOf,
  send,
  sendAll,
  sendEach,
  times,
  type Attempt,
  type HostileCase,
} from './hostile-target.ts'
import { startUpstream } from './hostile-upstream.ts'

const MB = 1_000_000

/** Returns a JSON list with `count` equal items. */
const list = (item: string, count: number): string => `[${`${item},`.repeat(count - 1)}${item}]`

/** Returns a JSON object with `count` keys. */
const keys = (count: number, value: string): string => {
  const members = Array.from({ length: count }, (_, index) => `"k${index}":${value}`)
  return `{${members.join(',')}}`
}

/** Returns English text of about `length` characters. */
const english = (length: number): string => {
  const sentence = 'The quick brown fox jumps over the lazy dog and runs away from it, as ever. '
  return sentence.repeat(Math.ceil(length / sentence.length))
}

const tool = (description: string, parameters = '{"type":"object","properties":{}}'): string =>
  `{"type":"function","function":{"name":"f","description":"${description}","parameters":${parameters}}}`

/** Sends a body `count` times. `body` is called for each request. */
const chatCase = (name: string, body: (index: number) => string, count = 1): HostileCase => ({
  name,
  attack: (target) => sendEach(target, bodies(count, body)),
})

function* bodies(count: number, body: (index: number) => string): Generator<Attempt> {
  for (let index = 0; index < count; index++) yield { path: chatPath, body: body(index) }
}

const path = (deployment: string, operation: string): string =>
  `/openai/deployments/${deployment}/${operation}?api-version=2025-04-01-preview`

const names = (count: number): string => Array.from({ length: count }, (_, index) => `"k${index}"`).join(',')

const schemaOf = (schema: string): string =>
  chatWith('response_format', `{"type":"json_schema","json_schema":{"name":"s","schema":${schema}}}`)

/** Bodies with JSON that is much larger in memory than on the wire. */
export const structureCases: readonly HostileCase[] = [
  chatCase('structure: 10 M empty lists', () => chatWith('x', list('[]', 10 * MB))),
  chatCase('structure: 10 M empty objects', () => chatWith('x', list('{}', 10 * MB))),
  chatCase('structure: 15 M numbers', () => chatWith('x', list('0', 15 * MB))),
  chatCase('structure: 7 M texts', () => chatWith('x', list('"a"', 7 * MB))),
  {
    name: 'structure: 2 x 3 M lists at a time',
    attack: (target) =>
      sendAll(target, times(2, { path: chatPath, body: chatWith('x', list('[]', 3 * MB)) })),
  },
  chatCase('structure: invalid JSON, 31 MB', () => `{"messages":[${'[],'.repeat(10 * MB)}`),
  chatCase('structure: metadata of 1 M keys', () => chatWith('metadata', keys(MB, '"a"'))),
  chatCase('structure: 200,000 unknown keys', () => `${keys(200_000, '1').slice(0, -1)},"messages":[]}`),
  chatCase('structure: tool with 300,000 properties', () =>
    chatWith(
      'tools',
      `[${tool('d', `{"type":"object","properties":${keys(300_000, '{"type":"string"}')}}`)}]`,
    ),
  ),
  chatCase('structure: tool with 40,000 properties', () =>
    chatWith(
      'tools',
      `[${tool('d', `{"type":"object","properties":${keys(40_000, '{"type":"string"}')}}`)}]`,
    ),
  ),
  chatCase('structure: 128 tools with 200 KB each', () =>
    chatWith('tools', list(tool(english(200_000)), 128)),
  ),
  chatCase('structure: schema with 300,000 required', () =>
    schemaOf(`{"type":"object","required":[${names(300_000)}]}`),
  ),
  chatCase('structure: enum of 1 M', () => schemaOf(`{"enum":${list('"a"', MB)}}`)),
  chatCase(
    'structure: 500,000 messages',
    () => `{"messages":${list('{"role":"user","content":"x"}', 500_000)}}`,
  ),
  {
    name: 'structure: 500,000 embedding inputs',
    attack: (target) =>
      send(target, {
        path: path('text-embedding-3-small', 'embeddings'),
        body: `{"input":${list('"x"', 500_000)}}`,
      }),
  },
  {
    name: 'structure: 500,000 items of a response',
    attack: (target) =>
      send(target, {
        path: '/openai/v1/responses',
        body: `{"model":"gpt-4o","input":${list('{"role":"user","content":"x"}', 500_000)}}`,
      }),
  },
  {
    name: 'structure: PATCH with 500,000 lists',
    attack: (target) =>
      send(target, { path: '/++/config', method: 'PATCH', body: `{"x":${list('[]', 300_000)}}` }),
  },
  chatCase('structure: 240,000 lists that are not read', () =>
    chatWith('audio', `{"x":${list('[]', 240_000)}}`),
  ),
  chatCase('structure: enum of 450,000', () => schemaOf(`{"enum":${list('"a"', 450_000)}}`)),
  chatCase('structure: schema with 45,000 properties', () =>
    schemaOf(
      `{"type":"object","properties":${keys(45_000, '{"type":"string"}')},"required":[${names(45_000)}]}`,
    ),
  ),
  chatCase('structure: call of a tool with 45,000 properties', () =>
    chatWith(
      'tool_choice',
      `"required","tools":[${tool('d', `{"type":"object","properties":${keys(45_000, '{"type":"string"}')},"required":[${names(45_000)}]}`)}]`,
    ),
  ),
  {
    name: 'structure: 45,000 properties, large context',
    attack: (target) =>
      send(target, {
        path: path('gpt-4.1', 'chat/completions'),
        body: schemaOf(
          `{"type":"object","properties":${keys(45_000, '{"type":"string"}')},"required":[${names(45_000)}]}`,
        ),
      }),
  },
  replayCase('structure: replay, 240,000 lists', () => chatWith('x', list('[]', 240_000))),
  replayCase('structure: replay, 99,000 keys', () => chatWith('x', keys(99_000, '1'))),
  replayCase('structure: replay, 20 MB of lists', () => chatWith('x', list('[]', 6.6 * MB))),
  replayCase('structure: replay, 1 M keys', () => chatWith('x', keys(MB, '1'))),
  replayCase('structure: replay, 20 MB of text', () =>
    chat({ messages: [{ role: 'user', content: english(20 * MB) }] }),
  ),
  {
    name: 'structure: record, 20 MB of lists',
    env: { SIMULATOR_MODE: 'record', RECORDING_DIR: 'FOLDER/recordings' },
    before: () =>
      startUpstream((answer) => answer.writeHead(200, { 'content-type': 'application/json' }).end('{}')),
    attack: (target) => send(target, { path: chatPath, body: chatWith('x', list('[]', 6.6 * MB)) }),
  },
]

function replayCase(name: string, body: () => string): HostileCase {
  return {
    name,
    env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: 'FOLDER/recordings' },
    files: (folder) => writeRecording(folder),
    attack: (target) => send(target, { path: chatPath, body: body() }),
  }
}

function writeRecording(folder: string): void {
  mkdirSync(join(folder, 'recordings'), { recursive: true })
  writeFileSync(
    join(folder, 'recordings', 'a.yaml'),
    recordingOf('{"messages":[{"role":"user","content":"hello"}]}'),
  )
}

/** Requests with large texts. */
export const textCases: readonly HostileCase[] = [
  chatCase(
    'text: 31 MB in an unknown field, 20 times',
    (index) => chat({ x: `${index}${english(31 * MB)}` }),
    20,
  ),
  chatCase(
    'text: 31 MB in a message, 8 times',
    (index) => chat({ messages: [{ role: 'user', content: `${index}${english(31 * MB)}` }] }),
    8,
  ),
  chatCase(
    'text: 9 MB in a message, 4 times',
    () => chat({ messages: [{ role: 'user', content: english(9 * MB) }] }),
    4,
  ),
  chatCase('text: 300 messages of 100 KB of "a"', () =>
    chat({ messages: Array.from({ length: 300 }, () => ({ role: 'user', content: 'a'.repeat(100_000) })) }),
  ),
  {
    name: 'text: 10 x 9 MB at a time',
    attack: (target) =>
      sendAll(
        target,
        times(10, {
          path: chatPath,
          body: chat({ messages: [{ role: 'user', content: english(9 * MB) }] }),
        }),
      ),
  },
  {
    name: 'text: spoken input of 7.5 MB, 25 times',
    attack: (target) => {
      const data = Buffer.alloc(5_600_000, 'noise').toString('base64')
      const audio = { type: 'input_audio', input_audio: { data, format: 'wav' } }
      return sendEach(
        target,
        times(25, {
          path: path('gpt-4o-audio-preview', 'chat/completions'),
          body: chat({ modalities: ['text'], messages: [{ role: 'user', content: [audio] }] }),
        }),
      )
    },
  },
  {
    name: 'text: file of 20 MB, 8 times',
    attack: (target) => {
      const part = {
        type: 'file',
        file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${'A'.repeat(20 * MB)}` },
      }
      return sendEach(
        target,
        times(8, { path: chatPath, body: chat({ messages: [{ role: 'user', content: [part] }] }) }),
      )
    },
  },
  {
    name: 'text: image prompt of 31 MB',
    attack: (target) =>
      send(target, {
        path: path('gpt-image-1', 'images/generations'),
        body: JSON.stringify({ prompt: english(31 * MB) }),
      }),
  },
  {
    name: 'text: speech of 31 MB of "a"',
    attack: (target) =>
      send(target, {
        path: path('gpt-4o-mini-tts', 'audio/speech'),
        body: JSON.stringify({ input: 'a'.repeat(31 * MB), voice: 'alloy' }),
      }),
  },
  {
    name: 'text: embedding of 31 MB',
    attack: (target) =>
      send(target, {
        path: path('text-embedding-3-small', 'embeddings'),
        body: JSON.stringify({ input: english(31 * MB) }),
      }),
  },
  {
    name: 'text: response to 31 MB',
    attack: (target) =>
      send(target, {
        path: '/openai/v1/responses',
        body: JSON.stringify({ model: 'gpt-4o', input: english(31 * MB) }),
      }),
  },
  {
    name: 'text: completion of 31 MB',
    attack: (target) =>
      send(target, {
        path: path('gpt-35-turbo-instruct', 'completions'),
        body: JSON.stringify({ prompt: english(31 * MB), max_tokens: 5 }),
      }),
  },
  chatCase('text: 4 stop texts of 7 MB', () => chat({ stop: times4(english(7 * MB)) })),
  chatCase('text: tool description of 31 MB', () => chatWith('tools', `[${tool(english(31 * MB))}]`)),
  chatCase('text: 31 MB of escapes', () => chatWith('x', `"${'\\u0061'.repeat(5 * MB)}"`)),
]

const times4 = (text: string): string[] => [text, text, text, text]
