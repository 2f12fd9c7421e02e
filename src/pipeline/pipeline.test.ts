import { describe, expect, it } from 'vitest'
import type { Config } from '../config/config.ts'
import { createRandom } from '../platform/random.ts'
import { createVirtualClock } from '../platform/virtual-clock.ts'
import { Exchange } from './exchange.ts'
import type { Hook, ModeHandler } from './hook.ts'
import { createPipeline } from './pipeline.ts'
import type { Reply } from './reply.ts'

const pass: Hook = (_, next) => next()

interface Answered {
  readonly reply: Reply
  readonly body: string
  readonly failures: unknown[]
  readonly unknownPaths: string[]
}

async function answer(
  path: string,
  parts: { hooks?: Hook[]; handler?: ModeHandler; key?: string } = {},
): Promise<Answered> {
  const failures: unknown[] = []
  const unknownPaths: string[] = []
  const handler = parts.handler ?? (() => Promise.resolve(undefined))
  const run = createPipeline(
    {
      observe: pass,
      extensionHooks: parts.hooks ?? [],
      addLatency: pass,
      prepareFaults: pass,
      admit: pass,
      injectFaults: pass,
      modes: { generate: handler, record: handler, replay: handler },
    },
    {
      onFailure: (error) => failures.push(error),
      onUnknownPath: (exchange) => unknownPaths.push(exchange.path),
    },
  )
  const exchange = new Exchange(
    { method: 'POST', path, query: '', headers: { 'api-key': parts.key ?? 'key' }, body: Buffer.alloc(0) },
    {
      config: { apiKey: 'key', mode: { kind: 'generate' } } as Config,
      clock: createVirtualClock(),
      random: createRandom('pipeline'),
      startedMs: 0,
    },
  )
  const reply = await run(exchange)
  const body = reply.body.kind === 'whole' ? String(reply.body.render()) : ''
  return { reply, body, failures, unknownPaths }
}

describe('createPipeline', () => {
  it('answers what no mode knows with the 404 of the service, and reports it', async () => {
    const { reply, unknownPaths } = await answer('/nowhere')
    expect([reply.status, reply.reason]).toEqual([404, 'Resource Not Found'])
    expect(unknownPaths).toEqual(['/nowhere'])
  })

  it('turns an exception into a 500 in the envelope of the service that tells nothing of it', async () => {
    const handler = (): Promise<never> => Promise.reject(new Error('secret detail'))
    const { reply, body, failures } = await answer('/anything', { handler })
    expect(reply.status).toBe(500)
    expect(body).toContain('The server had an error processing your request.')
    expect(body).not.toContain('secret detail')
    expect(body).toContain(String(reply.headers.get('x-request-id')))
    expect(failures).toHaveLength(1)
  })

  it('turns an exception of a hook into a 500, thrown at once or later', async () => {
    for (const hook of [
      () => {
        throw new Error('at once')
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const { reply } = await answer('/anything', { hooks: [hook] })
      expect(reply.status).toBe(500)
    }
  })

  it('gives the mode nothing that has no key', async () => {
    let asked = false
    const handler: ModeHandler = () => {
      asked = true
      return Promise.resolve(undefined)
    }
    await answer('/anything', { handler, key: 'wrong' })
    expect(asked).toBe(false)
  })
})
