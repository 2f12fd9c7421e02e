import type { ServerResponse } from 'node:http'
import {
  type FakeAnswer,
  type FakeUpstream,
  type ReceivedRequest,
  startFakeUpstream,
} from './fake-upstream.ts'

/** A blob service with one container, in this process. */
export interface FakeBlobService {
  /** Address of the blob, in path style. */
  readonly address: string
  /** Requests since the last start. */
  readonly received: readonly ReceivedRequest[]
  /** The content of the blob; undefined before it exists. A new value gets a new ETag. */
  text: string | undefined
  /** Answers instead of the service, if set. Returns false to let the service answer. */
  intercept: ((request: ReceivedRequest, response: ServerResponse) => boolean) | undefined
  /** Closes the port. */
  stop(): Promise<void>
  /** Opens the same port again. */
  restart(): Promise<void>
}

/** An answer with an error of Azure Storage. The body repeats the address, as a misbehaving service can. */
export function blobError(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): (request: ReceivedRequest, response: ServerResponse) => true {
  return ({ url }, response) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>It failed for ${url.replaceAll('&', '&amp;')}</Message></Error>`
    response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers })
    response.end(body)
    return true
  }
}

/** Starts a blob service that keeps one blob with ETags and conditions, as Azure Storage does. */
export async function startFakeBlobService(): Promise<FakeBlobService> {
  let text: string | undefined
  let version = 0
  const etag = (): string => `"0x${version}"`
  const answer: FakeAnswer = (request, response) => {
    const { method, headers, body } = request
    if (service.intercept?.(request, response)) return
    const ifMatch = headers['if-match']
    const ifNoneMatch = headers['if-none-match']
    const fail = (...error: Parameters<typeof blobError>): void => void blobError(...error)(request, response)
    if (method === 'PUT') {
      const exists = text !== undefined
      if (ifNoneMatch === '*' && exists) fail(409, 'BlobAlreadyExists')
      else if (ifMatch !== undefined && (!exists || ifMatch !== etag())) fail(412, 'ConditionNotMet')
      else {
        service.text = body.toString('utf8')
        response.writeHead(201, { etag: etag() }).end()
      }
    } else if (text === undefined) fail(404, 'BlobNotFound')
    else if (ifNoneMatch === etag()) response.writeHead(304, { etag: etag() }).end()
    else response.writeHead(200, { etag: etag(), 'content-length': Buffer.byteLength(text) }).end(text)
  }
  let server: FakeUpstream = await startFakeUpstream(answer)
  const port = Number(new URL(server.url).port)
  const service: FakeBlobService = {
    address: `${server.url}/account/container/changes.json`,
    get received() {
      return server.received
    },
    get text() {
      return text
    },
    set text(value) {
      text = value
      version++
    },
    intercept: undefined,
    stop: () => server.close(),
    async restart() {
      server = await startFakeUpstream(answer, port)
    },
  }
  return service
}
