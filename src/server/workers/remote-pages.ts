import type { App } from '../app.ts'
import type { SocketBindings } from '../app-env.ts'
import { readWebBody } from '../read-body.ts'
import type { ListeningApp } from '../listen.ts'
import type { PageMethods } from './page-messages.ts'
import type { Peer } from './peer.ts'

/** No page of the simulator takes a larger body; the primary refuses one that is over the limit by a byte. */
const largestBodyBytes = 1024 * 1024

/** The administration, with as many slashes in front as a client likes, and the metrics. */
const pagePath = /^(?:\/+\+\+(?:[/?]|$)|\/metrics(?:\?|$))/

/** The routes of a worker: pages that tell of the whole service come from the primary. */
export function withRemotePages(app: App, primary: Peer<PageMethods>): ListeningApp {
  return {
    answerSocket: app.answerSocket,
    wantsBody: app.wantsBody,
    fetch(request, bindings, context) {
      return isPage(request, bindings) ? forward(request, primary) : app.fetch(request, bindings, context)
    },
  }
}

function isPage(request: Request, bindings: Partial<SocketBindings> | undefined): boolean {
  const { url = '', method = '' } = bindings?.incoming ?? request
  // A client of a proxy names the whole address.
  const path = url.startsWith('/') ? url : new URL(request.url).pathname
  if (!pagePath.test(path)) return false
  return path.charAt(1) !== 'm' || method === 'GET' || method === 'HEAD'
}

async function forward(request: Request, primary: Peer<PageMethods>): Promise<Response> {
  const read = await readWebBody(request, largestBodyBytes)
  if (read.kind === 'aborted') return new Response('', { status: 400 })
  const bytes = read.kind === 'read' ? read.bytes : Buffer.alloc(largestBodyBytes + 1)
  const answer = await primary.call('pages.answer', {
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: bytes.length === 0 ? null : bytes.toString('base64'),
  })
  const headers = answer.headers.map(([name, value]): [string, string] => [name, value])
  return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers })
}
