import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ReadPoint, readPoints, type ReadSpan, readSpans } from './otlp-reader.ts'

/** A request that a collector got. */
export interface TakenExport {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An OpenTelemetry collector on this machine that keeps what it is sent. `await using` ends it. */
export interface FakeCollector extends AsyncDisposable {
  readonly url: string
  readonly taken: readonly TakenExport[]
  /** The histograms that came last at /v1/metrics. */
  points(): ReadPoint[]
  /** All spans that came at /v1/traces. */
  spans(): ReadSpan[]
}

/** Starts a collector on a free port of the loopback address; `status` is what it answers. */
export async function startCollector({ status = 200 } = {}): Promise<FakeCollector> {
  const taken: TakenExport[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      taken.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = (path: string): TakenExport[] => taken.filter((one) => one.path === path)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    points: () =>
      at('/v1/metrics')
        .slice(-1)
        .flatMap(({ body }) => readPoints(body)),
    spans: () => at('/v1/traces').flatMap(({ body }) => readSpans(body)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
