import { describe, expect, it } from 'vitest'
import type { Exchange } from './exchange.ts'
import { chain, type Stage } from './stage.ts'
import { textBody } from '../answer/body.ts'
import { HeaderList, type Reply } from './reply.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const exchange = testExchange()
const reply: Reply = { status: 200, headers: new HeaderList(), body: textBody('') }

describe('chain', () => {
  it('calls hooks from the outermost to the innermost, and returns in reverse', async () => {
    const seen: string[] = []
    const noting =
      (name: string): Stage =>
      async (_, next) => {
        seen.push(`${name} in`)
        const answer = await next()
        seen.push(`${name} out`)
        return answer
      }
    const run = chain([{ stage: noting('outer') }, { stage: noting('inner') }], async () => {
      seen.push('handler')
      return reply
    })
    expect(await run(exchange)).toBe(reply)
    expect(seen).toEqual(['outer in', 'inner in', 'handler', 'inner out', 'outer out'])
  })

  it('lets a hook answer without the rest', async () => {
    const run = chain([{ stage: async () => reply }], () => Promise.reject(new Error('not to be called')))
    expect(await run(exchange)).toBe(reply)
  })

  it('skips a stage that does not apply to a request', async () => {
    const other: Reply = { ...reply, status: 418 }
    const acts = ({ method }: Exchange): boolean => method === 'PUT'
    const run = chain([{ acts, stage: async () => other }], async () => reply)
    expect(await run(testExchange({ method: 'PUT' }))).toBe(other)
    expect(await run(testExchange({ method: 'GET' }))).toBe(reply)
  })

  it('names a hook that calls next twice', async () => {
    const eager: Stage = async function eager(_, next) {
      await next()
      return next()
    }
    await expect(chain([{ stage: eager }], async () => reply)(exchange)).rejects.toThrow(
      'The hook "eager" called next() twice for one request.',
    )
  })
})
