import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Starts an upstream for record mode with a custom answer. Returns the settings of the simulator for it. */
export async function startUpstream(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ readonly env: NodeJS.ProcessEnv; readonly end: () => void }> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => answer(response, request))
    request.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    env: { AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${port}`, AZURE_OPENAI_KEY: 'upstream' },
    end: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
