import { chatPath } from './cases.ts'
import { makeTexts, repeatedPrompt } from './prompts.ts'

/** One kind of request of the mixed load. */
export interface SoakKind {
  readonly name: string
  /** Share of the requests; those of all kinds are 1 together. */
  readonly share: number
  readonly deployment: keyof typeof soakDeployments
  readonly stream: boolean
  /** Whether each prompt is a new one. */
  readonly isNew?: boolean
  /** What is right; absent where an answer may go wrong in any way, as long as it ends. */
  readonly statuses?: readonly number[]
  /** The client closes the connection after so many events. */
  readonly leavesAfter?: number
}

const quota = { tokensPerMinute: 2_000_000_000, requestsPerMinute: 2_000_000_000 }

/** When the first token of a paced stream is due, and each further one after that, in milliseconds. */
export const pace = { firstToken: 200, perToken: 20 } as const

/** Events that come before the first token: the filter's results and the role. */
export const eventsBeforeTokens = 2

/** Tokens of each answer. */
export const soakTokens = 50

/** Deployments of the simulator under load. */
export const soakDeployments = {
  paced: { model: 'gpt-4o', latency: pace, ...quota },
  // Nothing is waited for, so that its times are the simulator's own.
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
  // A window that rolls over lets a few requests through.
  { name: 'refused with 429', share: 0.1, deployment: 'full', stream: false, statuses: [429, 200] },
  { name: 'faults in streams', share: 0.04, deployment: 'faulty', stream: true },
  { name: 'faults, whole', share: 0.03, deployment: 'faulty', stream: false },
  { name: 'clients that leave', share: 0.03, deployment: 'paced', stream: true, leavesAfter: 10 },
]

const texts = makeTexts(512)

/** The bytes of a request; those of a kind without new prompts are always the same. */
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
