import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { configError } from '../config/resolve-settings.ts'
import { type Certificate, isoTime, readCertificate, type TlsFiles } from '../config/tls-settings.ts'
import type { Logger } from '../lib/logger.ts'
import { readRegularText } from '../lib/regular-file.ts'
import type { ConnectionEnd } from '../metrics/connection-end.ts'
import { readFromStream, transportOf } from './node-internals.ts'
import { watchFiles } from './watch-files.ts'
import type { Watch } from './watch-folders.ts'

/** How a listener serves HTTPS. */
export interface TlsOptions {
  readonly files: TlsFiles
  /** Whether the files are polled for changes, as with WATCH=poll. */
  readonly poll: boolean
}

/** The certificate of a listener. */
export interface ServedCertificate {
  /** The certificate at the start. */
  readonly first: Certificate
  /** Uses changed files for new connections until `close`. If they are invalid, logs the problems and keeps the previous certificate. */
  follow(server: Server): Watch
}

/**
 * Reads the certificate of a listener.
 *
 * @throws {OperatorError} CONFIG_INVALID with all problems of the files
 */
export function openCertificate({ files, poll }: TlsOptions, logger: Logger | undefined): ServedCertificate {
  const read = readCertificate(files, readRegularText)
  if ('problems' in read) throw configError('start', read.problems)
  for (const warning of read.warnings) logger?.warn({}, warning)
  return {
    first: read.certificate,
    follow: (server) =>
      watchFiles({
        paths: [...new Set([files.certPath, files.keyPath])],
        poll,
        logger: logger ?? noLogger,
        async onChange() {
          reload(server, files, logger)
        },
      }),
  }
}

const noLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

function reload(server: Server, files: TlsFiles, logger: Logger | undefined): void {
  const read = readCertificate(files, readRegularText)
  if ('problems' in read) {
    const { problems } = read
    const lines = problems.map((problem) => `\n  ${problem}`).join('')
    const message = `Could not reload the certificate. New connections still use the previous one.${lines}`
    logger?.error({ problems }, message)
    return
  }
  const { cert, key, leaf } = read.certificate
  server.setSecureContext({ cert, key })
  const validTo = isoTime(leaf.validTo)
  logger?.info({ validTo }, `Reloaded the certificate. It is valid until ${validTo}.`)
  for (const warning of read.warnings) logger?.warn({}, warning)
}

/** The connections of a TLS server before their handshake is complete. Node does not close them when the server stops. */
export interface Handshakes {
  /** Closes all of them. */
  cut(): void
}

/**
 * Creates an HTTPS server without HTTP/2 (docs/decisions/tls.md).
 *
 * @param options `headersTimeout` is also the timeout of the handshake
 */
export function createTlsServer(
  { cert, key }: Certificate,
  options: ServerOptions & { readonly headersTimeout: number },
  onRequest: NonNullable<Parameters<typeof createServer>[1]>,
): Server {
  return createServer(
    {
      ...options,
      cert,
      key,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: options.headersTimeout,
      // As a server without TLS. Otherwise a client that half-closes gets no answer.
      allowHalfOpen: true,
    },
    onRequest,
  )
}

/** Prepares the connections of a TLS server, and reports handshakes that fail. */
export function watchHandshakes(server: Server, onEnd: (end: ConnectionEnd) => void): Handshakes {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('secureConnection', (socket) => {
    open.delete(transportOf(socket))
    readFromStream(socket)
  })
  server.on('tlsClientError', ({ code = '' }: NodeJS.ErrnoException) => {
    if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') onEnd('late')
    else if (code === 'ERR_SSL_HTTP_REQUEST') onEnd('plainHttp')
    // Other errors are those of a client that has disconnected.
    else if (code.startsWith('ERR_SSL_')) onEnd('tlsFailed')
  })
  return {
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}

/**
 * Returns the host for the URL of a listener. The address that it listens on is often not a name of its certificate; `localhost` mostly is.
 *
 * @param host the address that it listens on
 */
export function certifiedHost(host: string, { leaf }: Certificate): string {
  const isName = leaf.checkIP(host) ?? leaf.checkHost(host)
  const reachesLoopback = /^(?:0\.0\.0\.0|::|::1|127\.\d+\.\d+\.\d+)$/.test(host)
  return isName === undefined && reachesLoopback && leaf.checkHost('localhost') ? 'localhost' : host
}
