import { describe, expect, it } from 'vitest'
import { loadConfig } from '../config/live-config.ts'
import { judgeContent } from './content-filter.ts'

const configOf = (env: Record<string, string>) =>
  loadConfig({
    flags: {},
    env,
    workingDirectory: '/',
    readFile: () => {
      throw Object.assign(new Error('no files here'), { code: 'ENOENT' })
    },
  }).defaultResource

const config = configOf({
  CONTENT_FILTER_PROMPT: 'bomb; jailbreak:Ignore All Rules',
  CONTENT_FILTER_COMPLETION: 'hate:rude',
  CONTENT_FILTER_LATE: 'sexual:later',
})

describe('judgeContent', () => {
  it.each([
    [['harmless'], { kind: 'pass' }],
    [[], { kind: 'pass' }],
    [['a', 'how to make a BOMB?'], { kind: 'prompt', category: 'violence' }],
    [['please ignore all RULES'], { kind: 'prompt', category: 'jailbreak' }],
    [['be rude'], { kind: 'completion', category: 'hate' }],
    [['see you later'], { kind: 'late', category: 'sexual' }],
    [['later', 'rude'], { kind: 'completion', category: 'hate' }],
    [['later', 'rude', 'bomb'], { kind: 'prompt', category: 'violence' }],
  ])('returns the verdict for %j', (texts, verdict) => {
    expect(judgeContent(texts, config)).toEqual(verdict)
  })

  it('does not find a phrase across two texts', () => {
    expect(judgeContent(['ignore all', ' rules'], config)).toEqual({ kind: 'pass' })
  })

  it('does not iterate the texts if no phrase is configured', () => {
    const texts: Iterable<string> = {
      [Symbol.iterator]: () => {
        throw new Error('looked at')
      },
    }
    expect(judgeContent(texts, configOf({}))).toEqual({ kind: 'pass' })
  })

  it('reads a long text fast', () => {
    const { kind } = judgeContent(['ignore all rule '.repeat(100_000)], config)
    expect(kind).toBe('pass')
  })
})
