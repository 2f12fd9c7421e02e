import { PlaceholderMatcher } from './placeholder.ts'
import type { Scenario } from './scenario.ts'

/** An answer, from whichever side it was got. */
export interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** What is wrong with the answer to a scenario; empty when it is as expected, byte for byte. */
export function judgeAnswer({ expect }: Scenario, answer: Answer): string[] {
  const matcher = new PlaceholderMatcher()
  const problems: string[] = []
  if (answer.status !== expect.status)
    problems.push(`status: expected ${expect.status}, got ${answer.status}`)
  if (answer.reason !== expect.reason)
    problems.push(`reason: expected ${expect.reason}, got ${answer.reason}`)
  const names = answer.headers.map(([name]) => name).join(', ')
  const expectedNames = expect.headers.map(([name]) => name).join(', ')
  if (names !== expectedNames) problems.push(`headers: expected ${expectedNames}\n     but got ${names}`)
  for (const [name, pattern] of expect.headers) {
    const value = answer.headers.find(([key]) => key === name)?.[1] ?? ''
    const wrong = matcher.difference(value, pattern)
    if (wrong !== undefined) problems.push(`${name}: ${wrong}`)
  }
  const length = answer.headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  if (length !== undefined && Number(length) !== Buffer.byteLength(answer.body)) {
    problems.push(`Content-Length: ${length}, but the body has ${Buffer.byteLength(answer.body)} bytes`)
  }
  const wrongBody = matcher.difference(answer.body, expect.body)
  if (wrongBody !== undefined) problems.push(`body: ${wrongBody}`)
  return problems
}
