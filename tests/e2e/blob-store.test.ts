import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { ContainerSASPermissions } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Azurite, azuriteKey, azuriteNeed, startAzurite } from '../support/azurite.ts'
import {
  eventually,
  programKey,
  type RunningProgram,
  runInProcess,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'
import { certificateFolder, testPair } from '../support/certificates.ts'
import { blobError, startFakeBlobService } from '../support/fake-blob-service.ts'
import { accessToken } from '../support/fake-identity.ts'
import { startFakeUpstream } from '../support/fake-upstream.ts'

const deployment = { model: 'gpt-4o', tokens_per_minute: 1_000 }

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'aoai-blob-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

async function send(
  program: RunningProgram,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return fetch(`${program.url}${path}`, {
    method,
    headers: { 'api-key': programKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const textOf = async (program: RunningProgram, path: string): Promise<string> =>
  (await send(program, 'GET', path)).text()

const healthOf = async (program: RunningProgram): Promise<{ status: string; config_store?: unknown }> =>
  (await send(program, 'GET', '/healthz')).json() as Promise<{ status: string; config_store?: unknown }>

const pendingOf = async (program: RunningProgram): Promise<string | undefined> =>
  /^aoai_config_store_pending (\d+)$/m.exec(await textOf(program, '/metrics'))?.[1]

async function namesOf(program: RunningProgram): Promise<string[]> {
  const config = (await (await send(program, 'GET', '/++/config')).json()) as { openai_deployments: object }
  return Object.keys(config.openai_deployments)
}

const put = async (program: RunningProgram, name: string): Promise<number> =>
  (await send(program, 'PUT', `/++/deployments/${name}`, deployment)).status

const has =
  (...wanted: readonly string[]) =>
  (names: readonly string[]): boolean =>
    wanted.every((name) => names.includes(name))

describe.skipIf(azuriteNeed.isMissing)(`a blob in Azurite${azuriteNeed.note}`, () => {
  let azurite: Azurite
  beforeAll(async () => {
    azurite = await startAzurite()
    await azurite.client.getContainerClient('simulator').create()
  })
  afterAll(async () => azurite[Symbol.asyncDispose]())

  const envOf = (blob: string, copy = 'off'): Record<string, string> => ({
    CONFIG_STORE: `blob:${azurite.url}/simulator/${blob}`,
    CONFIG_STORE_KEY: azuriteKey,
    CONFIG_STORE_COPY: copy,
  })
  const stored = async (blob: string): Promise<{ put: object; patch: unknown }> => {
    const content = await azurite.client
      .getContainerClient('simulator')
      .getBlobClient(blob)
      .downloadToBuffer()
    return (JSON.parse(content.toString()) as { changes: { put: object; patch: unknown } }).changes
  }

  it('has the changes of two simulators, which both apply within 5 seconds, and is emptied by a reset', async () => {
    await using first = await startInProcess({ env: envOf('two.json') })
    await using second = await startInProcess({ env: envOf('two.json') })
    expect(await Promise.all([put(first, 'one'), put(second, 'two')])).toEqual([201, 201])
    const changedMs = Date.now()
    for (const program of [first, second]) await eventually(() => namesOf(program), has('one', 'two'))
    // A check takes 2 seconds.
    expect(Date.now() - changedMs).toBeLessThan(5_000)
    expect(Object.keys((await stored('two.json')).put).toSorted()).toEqual(['one', 'two'])
    expect((await send(first, 'POST', '/++/reset')).status).toBe(200)
    expect(await stored('two.json')).toEqual({ put: {}, patch: {} })
    await eventually(
      () => namesOf(second),
      (names) => !has('one')(names),
    )
  })

  it('is replaced by the copy while Azurite is down, also for a start, and gets all changes later', async () => {
    const copy = join(newFolder(), 'state', 'copy.json')
    const env = envOf('down.json', copy)
    {
      await using program = await startInProcess({ env })
      expect(await put(program, 'stored')).toBe(201)
      await azurite.stop()
      expect(await put(program, 'unstored')).toBe(201)
      expect(await healthOf(program)).toMatchObject({
        status: 'degraded',
        config_store: { writing: 'failing', pending: 1 },
      })
      expect(await pendingOf(program)).toBe('1')
    }
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    await using program = await startProgram({ args: ['--workers', '2'], env })
    expect(program.stderr()).toMatch(/ECONNREFUSED.*starts with the copy in .*copy\.json/)
    expect((await namesOf(program)).slice(-2)).toEqual(['stored', 'unstored'])
    expect(await put(program, 'later')).toBe(201)
    await azurite.start()
    await eventually(
      () => healthOf(program),
      ({ status }) => status === 'ok',
    )
    expect(await pendingOf(program)).toBe('0')
    expect(Object.keys((await stored('down.json')).put)).toEqual(['stored', 'unstored', 'later'])
  })

  // The last test: Azurite stays down.
  it('is used with a SAS, which no page and no log contains', async () => {
    const sasUrl = await azurite.client.getContainerClient('simulator').generateSasUrl({
      permissions: ContainerSASPermissions.from({ read: true, create: true, write: true }),
      expiresOn: new Date(Date.now() + 3_600_000),
    })
    const { search, searchParams } = new URL(sasUrl)
    const signature = searchParams.get('sig') ?? ''
    const env = { CONFIG_STORE: `blob:${azurite.url}/simulator/sas.json${search}`, CONFIG_STORE_COPY: 'off' }
    await using program = await startProgram({ env, args: ['--log-level', 'debug'] })
    expect(await put(program, `named-${encodeURIComponent('x')}`)).toBe(201)
    expect(Object.keys((await stored('sas.json')).put)).toEqual(['named-x'])
    await azurite.stop()
    expect(await put(program, 'unstored')).toBe(201)
    // A client can send the signature as well.
    await fetch(`${program.url}/openai/deployments/x/chat/completions?sig=${encodeURIComponent(signature)}`, {
      method: 'POST',
      headers: { 'api-key': programKey, 'user-agent': signature },
      body: JSON.stringify({ messages: [{ role: 'user', content: `sig ${signature}` }] }),
    })
    const pages = [
      '/',
      '/healthz',
      '/metrics',
      '/++/config',
      '/++/logs?limit=500',
      '/++/stats',
      '/++/requests',
    ]
    const texts = await Promise.all(pages.map((page) => textOf(program, page)))
    const { stderr, stdout } = await program.stop()
    expect(stderr).toMatch(/Could not store the changes of the configuration in http:.*sas\.json/)
    for (const text of [...texts, stderr, stdout]) {
      for (const secret of [signature, encodeURIComponent(signature)]) expect(text).not.toContain(secret)
    }
  })
})

describe('a start with a blob in CONFIG_STORE', () => {
  it('uses tokens of a managed identity for Azure Storage', async () => {
    const service = await startFakeBlobService()
    const pair = await testPair()
    const tls = createServer(pair, (socket) => {
      const target = connect(Number(new URL(service.address).port), '127.0.0.1')
      socket.on('error', () => target.destroy())
      target.on('error', () => socket.destroy())
      socket.pipe(target).pipe(socket)
    })
    await new Promise<void>((resolve) => void tls.listen(0, '127.0.0.1', resolve))
    const identity = await startFakeUpstream(accessToken('token-of-the-identity', Date.now() + 3_600_000))
    onTestFinished(async () => {
      tls.close()
      await Promise.all([service.stop(), identity.close()])
    })
    const { certPath } = certificateFolder(pair)
    const { port } = tls.address() as AddressInfo
    await using program = await startProgram({
      env: {
        CONFIG_STORE: `blob:https://127.0.0.1:${port}/account/container/changes.json`,
        CONFIG_STORE_COPY: 'off',
        NODE_EXTRA_CA_CERTS: certPath,
        IDENTITY_ENDPOINT: `${identity.url}/msi/token`,
        IDENTITY_HEADER: 'identity-header',
      },
    })
    expect(await put(program, 'mine')).toBe(201)
    expect(service.text).toContain('"mine"')
    expect(identity.received[0]?.url).toContain(`resource=${encodeURIComponent('https://storage.azure.com')}`)
    const authorizations = new Set(service.received.map(({ headers }) => headers.authorization))
    expect([...authorizations]).toEqual(['Bearer token-of-the-identity'])
    service.intercept = blobError(403, 'AuthorizationPermissionMismatch')
    expect(await put(program, 'other')).toBe(201)
    await eventually(
      async () => program.stderr(),
      (text) => text.includes('Storage Blob Data Contributor'),
    )
    const texts = [program.stderr(), await textOf(program, '/++/logs?limit=500')]
    for (const text of texts) expect(text).not.toContain('token-of-the-identity')
    service.intercept = undefined
  })

  it.each([
    [
      'an address without a container',
      { CONFIG_STORE: 'blob:https://a12.blob.core.windows.net/x.json?sig=hush-hush' },
      /CONFIG_STORE must be file: .* or blob: /,
    ],
    [
      'http and no key',
      { CONFIG_STORE: 'blob:http://azurite:10000/a12/c/x.json' },
      /CONFIG_STORE uses http.*set CONFIG_STORE_KEY/,
    ],
    [
      'a key for a file',
      { CONFIG_STORE: 'file:x.json', CONFIG_STORE_KEY: 'a'.repeat(32) },
      /CONFIG_STORE_KEY is set, but CONFIG_STORE is not a blob/,
    ],
    [
      'Redis',
      { CONFIG_STORE: 'blob:https://a12.blob.core.windows.net/c/x.json', REDIS_URL: 'redis://127.0.0.1:1' },
      /REDIS_URL and CONFIG_STORE are both set/,
    ],
  ])('and %s is refused', async (_, env, message) => {
    const { code, stderr } = await runInProcess([], { env })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hush')
  })
})
