import type * as Storage from '@azure/storage-blob'
import type { BlobStore } from '../../config/config-store-settings.ts'
import { configError } from '../../config/resolve-settings.ts'
import type { Clock } from '../../lib/clock.ts'
import { createKeyRedactor, redactText } from '../../lib/credential-texts.ts'
import { reasonOf, shortText } from '../../lib/error-text.ts'
import type { Logger } from '../../lib/logger.ts'
import { EntraTokens } from '../../upstream/entra-token.ts'
import { UpstreamFailure } from '../../upstream/upstream-failure.ts'
import { codeOf } from '../files/replace-file.ts'
import { type PatchMedium, StoreFailure, type StoredText } from '../patch-medium.ts'

/** Optional peer dependency of this package, with its supported versions. */
const blobPackage = { name: '@azure/storage-blob', versions: '^12.31.0' } as const

const STORAGE_SCOPE = 'https://storage.azure.com/.default'

/** Maximum size of the blob. 10,000 changed deployments take 2 MB. */
const MAX_BLOB_BYTES = 64 * 1024 * 1024

/** Longer waits that the service asks for are cut. */
const MAX_RETRY_AFTER_MS = 60_000

/** Pause after Microsoft Entra ID issued no token: @azure/identity can start programs such as az for each attempt. */
const TOKEN_RETRY_MS = 30_000

/** The messages of @azure/identity list all credentials that it tried. */
const MAX_REASON_CHARACTERS = 600

/** Dependencies of `createBlobMedium`. */
export interface BlobDeps {
  readonly store: BlobStore
  /** Key of the storage account. Without a key and without a SAS, tokens of Microsoft Entra ID are used. */
  readonly key: string | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Creates the client of a blob. It makes no request.
 *
 * @throws {OperatorError} CONFIG_INVALID if @azure/storage-blob is not installed
 */
export async function createBlobMedium(deps: BlobDeps): Promise<PatchMedium> {
  let storage: typeof Storage
  try {
    storage = await import('@azure/storage-blob')
  } catch {
    const { name, versions } = blobPackage
    throw configError('start', [
      `CONFIG_STORE needs the package ${name}, which is not installed. Install it with: npm install ${name}@${versions}`,
    ])
  }
  const { store } = deps
  const address = store.sas === undefined ? store.address : `${store.address}?${store.sas}`
  // The store repeats requests itself, with pauses on its clock. A redirect could send the credential to another host.
  const options: Storage.StoragePipelineOptions & { redirectOptions: { maxRetries: number } } = {
    retryOptions: { maxTries: 1 },
    redirectOptions: { maxRetries: 0 },
  }
  return new BlobMedium(new storage.BlockBlobClient(address, credentialOf(storage, deps), options), deps)
}

/** A source of tokens, as in @azure/core-auth. */
interface StorageToken {
  readonly getToken: () => Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>
}

function credentialOf(
  storage: typeof Storage,
  { store, key, clock, logger }: BlobDeps,
): Storage.StorageSharedKeyCredential | Storage.AnonymousCredential | StorageToken {
  if (store.sas !== undefined) return new storage.AnonymousCredential()
  if (key !== undefined) return new storage.StorageSharedKeyCredential(store.account, key)
  const label = { text: `CONFIG_STORE (${store.address})`, setting: () => 'CONFIG_STORE' }
  const tokens = new EntraTokens({ kind: 'entra', scope: STORAGE_SCOPE }, { clock, logger, label })
  // The tokens are cached already, so that each request asks for one.
  return { getToken: async () => ({ token: await tokens.token(), expiresOnTimestamp: 0 }) }
}

class BlobMedium implements PatchMedium {
  readonly kind = 'blob'
  readonly address: string
  readonly retryDelays = { firstMs: 1_000, maxMs: 10_000 }
  readonly longestPause = '10 seconds'
  readonly pollMs = 2_000
  readonly repair = 'Repair the blob, or delete it.'
  readonly #client: Storage.BlockBlobClient
  readonly #container: string
  readonly #credential: 'key' | 'sas' | 'entra'
  readonly #redactKeys: (text: string) => string

  constructor(client: Storage.BlockBlobClient, { store, key }: BlobDeps) {
    this.#client = client
    this.address = store.address
    this.#container = store.container
    this.#credential = store.sas !== undefined ? 'sas' : key !== undefined ? 'key' : 'entra'
    const secrets = [store.sas, key].filter((text) => text !== undefined)
    this.#redactKeys = createKeyRedactor(() => secrets)
  }

  async read(known: string | undefined, signal: AbortSignal): Promise<StoredText | 'unchanged' | undefined> {
    try {
      return await unlessAborted(this.#download(known, ownSignal(signal)), signal)
    } catch (error) {
      const { status, code } = answerOf(error)
      if (status === 304) return 'unchanged'
      if (status === 404 && code === 'BlobNotFound') return undefined
      throw this.#failureOf(error)
    }
  }

  async replace(text: string, mark: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_BLOB_BYTES) throw tooLarge(bytes)
    const upload = this.#client.upload(text, bytes, {
      abortSignal: ownSignal(signal),
      conditions: mark === undefined ? { ifNoneMatch: '*' } : { ifMatch: mark },
      blobHTTPHeaders: { blobContentType: 'application/json; charset=utf-8' },
    })
    try {
      const { etag } = await unlessAborted(upload, signal)
      return requireMark(etag)
    } catch (error) {
      const { status, code } = answerOf(error)
      // 409: the blob was created in the meantime. 412 is also the answer for a blob with a lease.
      if (status === 409 && code === 'BlobAlreadyExists') return undefined
      if (status === 412 && !code.startsWith('Lease')) return undefined
      throw this.#failureOf(error)
    }
  }

  async #download(known: string | undefined, signal: AbortSignal): Promise<StoredText> {
    const answer = await this.#client.download(0, undefined, {
      abortSignal: signal,
      maxRetryRequests: 0,
      conditions: known === undefined ? {} : { ifNoneMatch: known },
    })
    const text = await textOf(answer.readableStreamBody, answer.contentLength)
    return { text, mark: requireMark(answer.etag) }
  }

  #failureOf(error: unknown): Error {
    if (error instanceof StoreFailure) return error
    if (error instanceof UpstreamFailure) {
      if (codeOf(error.cause) === 'ERR_MODULE_NOT_FOUND') return configError('start', [error.message])
      const reason = `Microsoft Entra ID issued no token: ${this.#plain(error.cause ?? error)}`
      const todo =
        'Give this machine an identity (managed identity, AZURE_CLIENT_ID and similar variables, az login), or set CONFIG_STORE_KEY.'
      return new StoreFailure(reason, todo, { retryAfterMs: TOKEN_RETRY_MS })
    }
    // An answer without a length or an ETag.
    if (error instanceof RangeError) return notBlob()
    const { status, code, retryAfterMs } = answerOf(error)
    if (status === undefined) {
      const todo = 'Check the address in CONFIG_STORE and the network.'
      return new StoreFailure(this.#plain(error), todo, { isTransient: true })
    }
    const isTransient = status >= 500 || status === 408 || status === 429
    // The message of the service is not used: it can have parts of the request.
    return new StoreFailure(
      `it answered ${status}${code === '' ? '' : ` ${code}`}`,
      this.#advice(status, code),
      {
        isTransient,
        ...(isTransient && { retryAfterMs }),
      },
    )
  }

  #plain(error: unknown): string {
    const { code } = error as { code?: unknown }
    const text = reasonOf(error).replace(/\s+/g, ' ').trim() || String(code)
    return shortText(this.#redactKeys(redactText(text)), MAX_REASON_CHARACTERS)
  }

  #advice(status: number, code: string): string {
    if (code === 'ContainerNotFound') return `Create the container ${this.#container}.`
    if (code === 'AuthorizationFailure')
      return 'Allow this machine in the network settings of the storage account.'
    if (code === 'KeyBasedAuthenticationNotPermitted')
      return 'Remove CONFIG_STORE_KEY to use Microsoft Entra ID.'
    if (code.startsWith('Lease')) return 'Release the lease of the blob.'
    if (code === 'InvalidBlobType') return 'Delete the blob: it is not a block blob.'
    if (status === 401 || status === 403) {
      if (this.#credential === 'key') return 'Check CONFIG_STORE_KEY.'
      return this.#credential === 'sas'
        ? 'Check the SAS in CONFIG_STORE: it needs the permissions read, create and write, and must not have expired.'
        : 'Give the identity the role Storage Blob Data Contributor. It takes effect within 10 minutes.'
    }
    if (status >= 500 || status === 429 || status === 408) return ''
    return 'Check the address in CONFIG_STORE.'
  }
}

/** A signal for one call: the package adds listeners to it and does not remove them. */
function ownSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal])
}

/** Rejects with the reason of the signal, also while the package waits for something that does not end with it, such as a token. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

async function textOf(body: NodeJS.ReadableStream | undefined, length: number | undefined): Promise<string> {
  const stop = (bytes: number): StoreFailure => {
    if (body && 'destroy' in body && typeof body.destroy === 'function') body.destroy()
    return tooLarge(bytes)
  }
  if (length !== undefined && length > MAX_BLOB_BYTES) throw stop(length)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > MAX_BLOB_BYTES) throw stop(bytes)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(bytes: number): StoreFailure {
  const reason = `its content is larger than ${MAX_BLOB_BYTES} bytes (got ${bytes})`
  return new StoreFailure(reason, 'Check the address in CONFIG_STORE, or remove changes with POST /++/reset.')
}

function requireMark(etag: string | undefined): string {
  if (etag) return etag
  throw notBlob()
}

function notBlob(): StoreFailure {
  return new StoreFailure('its answer has no length or no ETag', 'Check the address in CONFIG_STORE.')
}

/** The facts of an answer with an error; without a status if there was none. */
function answerOf(error: unknown): {
  readonly status: number | undefined
  readonly code: string
  readonly retryAfterMs: number
} {
  const { statusCode, code, response } = error as Partial<Storage.RestError>
  const header = (name: string): string => response?.headers.get(name) ?? ''
  const given = header('x-ms-error-code') || (code ?? '')
  const ms = Number(header('x-ms-retry-after-ms') || header('retry-after-ms') || NaN)
  const asked = Number.isNaN(ms) ? Number(header('retry-after') || 0) * 1_000 : ms
  return {
    status: statusCode,
    // Other texts are not those of the service.
    code: /^[A-Za-z]{1,80}$/.test(given) ? given : '',
    retryAfterMs: asked > 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : 0,
  }
}
