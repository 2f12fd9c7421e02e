import { chatPath } from './cases.ts'
import { makeTexts, repeatedPrompt } from './prompts.ts'

/** A kind of request in the mixed load. */
export interface SoakKind {
  readonly name: string
  /** Share of the requests. The shares of all kinds add up to 1. */
  readonly share: number
  readonly deployment: keyof typeof soakDeployments
  readonly stream: boolean
  /** Whether each prompt is new. */
  readonly isNew?: boolean
  /** Expected statuses; absent if an answer can fail in any way, but must end. */
  readonly statuses?: readonly number[]
  /** The client closes the connection after this many events. */
  readonly disconnectsAfter?: number
}

const quota = { tokensPerMinute: 2_000_000_000, requestsPerMinute: 2_000_000_000 }

/** Time of the first token of a paced stream, and between further tokens, in milliseconds. */
export const pace = { firstToken: 200, perToken: 20 } as const

/** Events before the first token: prompt filter results and role. */
export const eventsBeforeTokens = 2

/** Tokens of each answer. */
export const soakTokens = 50

/** Deployments of the simulator under load. */
export const soakDeployments = {
  paced: { model: 'gpt-4o', latency: pace, ...quota },
  // Without latency, so that the measured time is that of the simulator.
  quick: { model: 'gpt-4o', latency: { firstToken: 0, perToken: 0 }, ...quota },
  full: { model: 'gpt-4o', tokensPerMinute: 100 },
  faulty: {
    model: 'gpt-4o',
    latency: pace,
    ...quota,
    faults: [
      { probability: 0.15, fault: 'serverError' },
      { probability: 0.15, fault: 'cutBeforeHeaders' },
      { probability: 0.15, fault: { kind: 'stall', ms: 1_000, afterShare: 0.5 } },
      { probability: 0.15, fault: { kind: 'cut', afterShare: 0.5 } },
      { probability: 0.15, fault: { kind: 'truncate', afterShare: 0.5 } },
      { probability: 0.15, fault: 'errorEvent' },
    ],
  },
} as const

/** The mixed load. */
export const soakKinds: readonly SoakKind[] = [
  { name: 'streams', share: 0.5, deployment: 'paced', stream: true, statuses: [200] },
  { name: 'whole, one prompt', share: 0.2, deployment: 'quick', stream: false, statuses: [200] },
  {
    name: 'whole, new prompts',
    share: 0.1,
    deployment: 'quick',
    stream: false,
    isNew: true,
    statuses: [200],
  },
  // A rate limit admits a few requests when its window moves.
  { name: 'refused with 429', share: 0.1, deployment: 'full', stream: false, statuses: [429, 200] },
  { name: 'faults in streams', share: 0.04, deployment: 'faulty', stream: true },
  { name: 'faults, whole', share: 0.03, deployment: 'faulty', stream: false },
  { name: 'clients that disconnect', share: 0.03, deployment: 'paced', stream: true, disconnectsAfter: 10 },
]

const texts = makeTexts(512)

/** Returns the bytes of a request. They are constant for kinds without new prompts. */
export function requestOf(kind: SoakKind, port: number, key: string): (number: number) => string {
  const head =
    `POST ${chatPath(kind.deployment)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\napi-key: ${key}\r\n` +
    'Content-Type: application/json\r\n'
  const render = (content: string): string => {
    const messages = [{ role: 'user', content }]
    const body = JSON.stringify({
      messages,
      max_tokens: soakTokens,
      ...(kind.stream ? { stream: true } : {}),
    })
    return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
  }
  if (!kind.isNew) {
    const request = render(repeatedPrompt)
    return () => request
  }
  const started = Date.now()
  return (number) => render(`${started} ${number} ${texts[number % texts.length]}`)
}
