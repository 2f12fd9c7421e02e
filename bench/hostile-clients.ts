import { setTimeout as sleep } from 'node:timers/promises'
import {
  chat,
  chatPath,
  collect,
  openSilent,
  requestBytes,
  send,
  sendAll,
  times,
  type HostileCase,
  type Target,
} from './hostile-target.ts'

const MB = 1_000_000

/** Time during which unread answers accumulate, in milliseconds. */
const holdMs = 4_000

const put = (name: string, body: string): HostileCase => ({
  name,
  attack: (target) => send(target, { path: '/++/deployments/q', method: 'PUT', body }),
})
const patch = (name: string, body: () => string): HostileCase => ({
  name,
  attack: (target) => send(target, { path: '/++/config', method: 'PATCH', body: body() }),
})
const header = (name: string, headers: Readonly<Record<string, string>>): HostileCase => ({
  name,
  attack: (target) => sendAll(target, times(4, { path: chatPath, body: chat({}), headers })),
})

/** Long and unknown names, which are compared with known names. */
export const nameCases: readonly HostileCase[] = [
  put('name: model of 900 KB', JSON.stringify({ model: 'a'.repeat(900_000) })),
  put(
    'name: latency profile of 900 KB',
    JSON.stringify({ model: 'gpt-4o', latency: { profile: 'a'.repeat(900_000) } }),
  ),
  patch('name: key of 900 KB', () => `{"${'a'.repeat(900_000)}":1}`),
  patch('name: 50,000 unknown keys', () =>
    JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`key_${index}`, 1]))),
  ),
  patch('name: 25,000 deployments with a wrong model', () =>
    JSON.stringify({
      openai_deployments: Object.fromEntries(
        Array.from({ length: 25_000 }, (_, index) => [`d${index}`, { model: 'gpt-9' }]),
      ),
    }),
  ),
  header('name: header x-sim- with 30 KB', { [`x-sim-${'a'.repeat(30_000)}`]: '1' }),
  header('name: x-sim-fault of 30 KB', { 'x-sim-fault': 'a'.repeat(30_000) }),
]

/** Clients that hold resources that other clients need. */
export const holderCases: readonly HostileCase[] = [
  {
    name: 'unauthorized: 40 x 17 MB, kept open',
    attack: (target) => unauthorized(target, 40, 17 * MB),
  },
  {
    name: 'unauthorized: 31 x 31 MB, kept open',
    attack: (target) => unauthorized(target, 31, 31 * MB),
  },
  {
    name: 'unauthorized: 40 x 17 MB in chunks',
    attack: async (target) => {
      const head = `POST ${chatPath} HTTP/1.1\r\nHost: x\r\napi-key: wrong\r\nTransfer-Encoding: chunked\r\n\r\n`
      const chunk = `100000\r\n${' '.repeat(0x10_0000)}\r\n`
      return attackWhileOpen(target, 40, head + chunk.repeat(17), sendLarge)
    },
  },
  {
    name: 'unauthorized: expects 100-continue',
    attack: async (target) => {
      const head = requestBytes(chatPath, '', 17 * MB, 'wrong').replace(
        '\r\n\r\n',
        '\r\nExpect: 100-continue\r\n\r\n',
      )
      return attackWhileOpen(target, 20, head, sendLarge)
    },
  },
  {
    name: 'client: 40 x 17 MB, kept open',
    attack: (target) =>
      attackWhileOpen(target, 40, requestBytes(chatPath, ' '.repeat(17 * MB - 1), 17 * MB), sendSmall),
  },
  {
    name: 'answer: 40 streams of 128 x 16,384 tokens',
    env: { LATENCY_TIME_SCALE: '1' },
    attack: (target) =>
      attackWhileOpen(
        target,
        40,
        requestBytes(chatPath, chat({ n: 128, max_tokens: 16_384, stream: true })),
        sendSmall,
      ),
  },
  {
    name: 'answer: 40 whole answers of 128 x 16,384 tokens',
    env: { LATENCY_TIME_SCALE: '1' },
    attack: (target) =>
      attackWhileOpen(target, 40, requestBytes(chatPath, chat({ n: 128, max_tokens: 16_384 })), sendSmall),
  },
  {
    name: 'answer: 40 whole answers without latency',
    attack: (target) =>
      attackWhileOpen(target, 40, requestBytes(chatPath, chat({ n: 128, max_tokens: 16_384 })), sendSmall),
  },
  {
    name: 'answer: 2,048 embeddings of 3,072',
    attack: (target) => send(target, { path: embeddingsPath, body: embeddings() }),
  },
  {
    name: 'answer: 2,048 embeddings in base64',
    attack: (target) =>
      send(target, { path: embeddingsPath, body: embeddings({ encoding_format: 'base64' }) }),
  },
  {
    name: 'answer: 10 x 2,048 embeddings, not read',
    attack: (target) => attackWhileOpen(target, 10, requestBytes(embeddingsPath, embeddings()), sendSmall),
  },
  {
    name: 'answer: log probabilities, 128 x 4,096 tokens',
    attack: (target) => send(target, { path: chatPath, body: logprobs({}) }),
  },
  {
    name: 'answer: 10 x 128 with log probabilities, not read',
    attack: (target) => attackWhileOpen(target, 10, requestBytes(chatPath, logprobs({})), sendSmall),
  },
  {
    name: 'answer: 10 such streams, not read',
    attack: (target) =>
      attackWhileOpen(target, 10, requestBytes(chatPath, logprobs({ stream: true })), sendSmall),
  },
  {
    name: 'answer: completions of 128 x 4,096 tokens',
    attack: (target) =>
      send(target, {
        path: '/openai/deployments/gpt-35-turbo-instruct/completions?api-version=2024-10-21',
        body: JSON.stringify({ prompt: 'x', n: 128, best_of: 128, max_tokens: 4_000, logprobs: 5 }),
      }),
  },
  {
    name: 'answer: ten pictures, 8 times',
    attack: (target) =>
      sendAll(
        target,
        times(8, {
          path: '/openai/deployments/gpt-image-1/images/generations?api-version=2025-04-01-preview',
          body: JSON.stringify({ prompt: 'x', n: 10, size: '1536x1024' }),
        }),
      ),
  },
]

const embeddingsPath = '/openai/deployments/text-embedding-3-large/embeddings?api-version=2024-10-21'

function embeddings(members: object = {}): string {
  return JSON.stringify({ input: Array.from({ length: 2_048 }, (_, index) => `t${index}`), ...members })
}

function logprobs(members: object): string {
  return chat({ n: 128, max_tokens: 4_096, logprobs: true, top_logprobs: 20, ...members })
}

function unauthorized(target: Target, count: number, bytes: number): Promise<string> {
  return attackWhileOpen(
    target,
    count,
    requestBytes(chatPath, ' '.repeat(bytes - 1), bytes, 'wrong'),
    sendLarge,
  )
}

/** Opens connections that send bytes and do not read, and sends a normal request while they are open. */
async function attackWhileOpen(
  target: Target,
  count: number,
  bytes: string,
  sendOther: (target: Target) => Promise<string>,
): Promise<string> {
  const sockets = await openSilent(target, count, Buffer.from(bytes, 'latin1'))
  const results = collect(sockets)
  await sleep(holdMs / 2)
  for (const socket of sockets) socket.pause()
  await sleep(holdMs / 2)
  const other = await sendOther(target)
  for (const socket of sockets) socket.destroy()
  return `${results()}; others ${other}`
}

const sendSmall = (target: Target): Promise<string> => send(target, { path: chatPath, body: chat({}) })
const sendLarge = (target: Target): Promise<string> =>
  send(target, {
    path: chatPath,
    body: chat({ messages: [{ role: 'user', content: 'word '.repeat(40_000) }] }),
  })
