import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answerFailure, failureResponse } from './answer-failure.ts'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

describe('a failure outside the pipeline', () => {
  it.each([
    ['over a socket', async () => fetch(await serve((_, outgoing) => answerFailure(outgoing)))],
    ['as a response', async () => failureResponse()],
  ])(
    'is answered with the 500 of the service and the request id in header and body, %s',
    async (_, answer) => {
      const response = await answer()
      const id = response.headers.get('x-request-id')
      expect(response.status).toBe(500)
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      const { error } = (await response.json()) as { error: { message: string } }
      expect(error.message).toContain(id)
    },
  )

  it('cuts the connection if the answer has started', async () => {
    const url = await serve((_, outgoing) => {
      outgoing.write('started', () => answerFailure(outgoing))
    })
    const response = await fetch(url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
  })
})
