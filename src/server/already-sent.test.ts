import { getRequestListener } from '@hono/node-server'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'

const { Request: ownRequest, Response: ownResponse } = globalThis

afterEach(() => {
  vi.resetModules()
  Object.defineProperty(globalThis, 'Request', { value: ownRequest })
  Object.defineProperty(globalThis, 'Response', { value: ownResponse })
})

describe('alreadySent', () => {
  it.each([
    ['after', true],
    ['before', false],
  ])(
    'prevents an answer of the adapter when it is loaded %s another server has started',
    async (_, isLate) => {
      vi.resetModules()
      if (isLate) getRequestListener(() => new Response('another server'))
      const { alreadySent } = await import('./already-sent.ts')
      const listener = getRequestListener((_, { outgoing }) => {
        setImmediate(() => outgoing.end('from Node'))
        return alreadySent
      })
      const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
      try {
        const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
        expect(await answer.text()).toBe('from Node')
      } finally {
        server.closeAllConnections()
        server.close()
      }
    },
  )
})
