import { describe, expect, it } from 'vitest'
import { everySource } from '../../tests/support/every-source.ts'
import type { Stage, Source } from './stage.ts'
import { jsonReply } from './make-reply.ts'
import { createPipeline } from './pipeline.ts'
import type { Reply } from './reply.ts'
import { refuse } from './reply-headers.ts'
import { invalidKey } from '../wire/errors.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const pass: Stage = (_, next) => next()

interface Answered {
  readonly reply: Reply
  readonly body: string
  readonly failures: unknown[]
  readonly unknownPaths: string[]
}

async function answer(
  path: string,
  parts: {
    hooks?: Stage[]
    handler?: Source
    authenticate?: Stage
    journal?: Stage
  } = {},
): Promise<Answered> {
  const failures: unknown[] = []
  const unknownPaths: string[] = []
  const handler = parts.handler ?? (() => Promise.resolve(undefined))
  const run = createPipeline(
    {
      observe: pass,
      extensionHooks: (parts.hooks ?? []).map((stage) => ({ name: 'extension', stage })),
      access: {
        checkApiVersion: pass,
        authenticate: parts.authenticate ?? pass,
        findDeployment: pass,
        checkModelVersion: pass,
      },
      ...(parts.journal && { journal: parts.journal }),
      addLatency: pass,
      prepareFaults: pass,
      admit: pass,
      injectFaults: pass,
      sources: everySource(() => handler),
    },
    {
      onFailure: (error) => failures.push(error),
      onUnknownPath: (exchange) => unknownPaths.push(exchange.path),
    },
  )
  const reply = await run(testExchange({ path }))
  const body = reply.body.kind === 'whole' ? String(reply.body.render()) : ''
  return { reply, body, failures, unknownPaths }
}

describe('createPipeline', () => {
  it('answers an unknown path with the 404 of the service, and reports it', async () => {
    const { reply, unknownPaths } = await answer('/nowhere')
    expect([reply.status, reply.reason]).toEqual([404, 'Resource Not Found'])
    expect(unknownPaths).toEqual(['/nowhere'])
  })

  it('converts an error to a 500 in the format of the service, without details', async () => {
    const handler = (): Promise<never> => Promise.reject(new Error('secret detail'))
    const { reply, body, failures } = await answer('/anything', { handler })
    expect(reply.status).toBe(500)
    expect(body).toContain('The server had an error processing your request.')
    expect(body).not.toContain('secret detail')
    expect(body).toContain(String(reply.headers.get('x-request-id')))
    expect(failures).toHaveLength(1)
  })

  it('converts an error of a hook to a 500, thrown synchronously or later', async () => {
    for (const hook of [
      () => {
        throw new Error('now')
      },
      () => Promise.reject(new Error('later')),
    ]) {
      const { reply } = await answer('/anything', { hooks: [hook] })
      expect(reply.status).toBe(500)
    }
  })

  it('does not call a source for a rejected request', async () => {
    let asked = false
    const handler: Source = () => {
      asked = true
      return Promise.resolve(undefined)
    }
    const refused = await answer('/anything', { handler, authenticate: () => refuse(invalidKey()) })
    expect([refused.reply.status, asked]).toEqual([401, false])
  })

  it('writes the headers and the body of a rejection before hooks receive it', async () => {
    const seen: unknown[] = []
    const look: Stage = async (_, next) => {
      const reply = await next()
      seen.push(reply.headers.get('apim-request-id'), reply.body.kind === 'whole' && reply.body.render())
      return reply
    }
    await answer('/anything', { hooks: [look], authenticate: () => refuse(invalidKey()) })
    expect(seen).toEqual([
      expect.stringMatching(/^[\da-f-]{36}$/),
      expect.stringContaining('Access denied due to invalid subscription key'),
    ])
  })

  it('passes the final answer of each request to the journal, including failed ones', async () => {
    const seen: number[] = []
    const journal: Stage = async (_, next) => {
      const reply = await next()
      seen.push(reply.status)
      return reply
    }
    await answer('/any', { journal, handler: async () => jsonReply({}) })
    await answer('/any', { journal, handler: () => Promise.reject(new Error('broken')) })
    expect(seen).toEqual([200, 500])
  })

  it('does not report an abort after the client has disconnected', async () => {
    const aborted = (name: string): Stage => {
      return (exchange) => {
        exchange.end({ aborted: true, firstByteMs: undefined, endMs: 0 })
        throw new Error('The hook failed.', { cause: new DOMException('aborted', name) })
      }
    }
    const left = await answer('/any', { hooks: [aborted('AbortError')] })
    expect([left.reply.status, left.failures]).toEqual([499, []])
    expect((await answer('/any', { hooks: [aborted('TimeoutError')] })).failures).toHaveLength(1)
  })
})
