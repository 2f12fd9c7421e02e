import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as realSleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { storeOf } from '../../src/config/config-store-settings.ts'
import { type LiveConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import { createVirtualClock, type VirtualClock } from '../../src/lib/virtual-clock.ts'
import { openBlobPatches } from '../../src/shared/blob/blob-patches.ts'
import { defaultCopyPath } from '../../src/shared/blob/local-copy.ts'
import type { ConfigStore } from '../../src/shared/patch-medium.ts'
import { blobError, type FakeBlobService, startFakeBlobService } from '../support/fake-blob-service.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'

const chat = { model: 'gpt-4o', tokensPerMinute: 100 }
const wait = { timeout: 15_000, interval: 5 }
const key = Buffer.from('the key of the storage account').toString('base64')

interface Opened {
  readonly live: LiveConfig
  readonly store: ConfigStore
  readonly log: LogLine[]
  readonly clock: VirtualClock
}

interface OpenOptions {
  readonly copy?: string
  readonly sas?: string
  /** Advances the clock until the store is open. */
  readonly isSlow?: boolean
}

async function startService(text?: string): Promise<FakeBlobService> {
  const service = await startFakeBlobService()
  onTestFinished(() => service.stop())
  if (text !== undefined) service.text = text
  return service
}

function newCopy(): string {
  const dir = mkdtempSync(join(tmpdir(), 'aoai-copy-'))
  onTestFinished(() => {
    chmodSync(dir, 0o700)
    rmSync(dir, { recursive: true })
  })
  return join(dir, 'copy.json')
}

async function open(address: string, { copy, sas, isSlow = false }: OpenOptions = {}): Promise<Opened> {
  const live = loadLiveConfig({ flags: {}, env: {}, workingDirectory: '/', readFile: filesInMemory() })
  const blob = storeOf(`blob:${address}${sas === undefined ? '' : `?${sas}`}`)
  if (blob?.kind !== 'blob') throw new Error(`${address} is not the address of a blob`)
  const log: LogLine[] = []
  const clock = createVirtualClock()
  const logger = collectInto(log)
  const opening = openBlobPatches({
    store: blob,
    key: sas === undefined ? key : undefined,
    copyPath: copy,
    live,
    clock,
    logger,
  })
  const isOpen = opening.then(
    () => true,
    () => true,
  )
  for (let isDone = !isSlow; !isDone; isDone = await Promise.race([isOpen, realSleep(2, false)]))
    await clock.advance(50)
  const store = await opening
  onTestFinished(() => store.close())
  return { live, store, log, clock }
}

const namesOf = ({ live }: Opened): string[] => [...live.current.defaultResource.deployments.keys()]
const regionOf = ({ live }: Opened): string => live.current.defaultResource.region
const logged = ({ log }: Opened): string[] => log.map(({ level, message }) => `${level}: ${message}`)
const stateOf = ({ store }: Opened): unknown => [store.state, store.pending]

const content = (changes: object): string =>
  JSON.stringify({ version: 1, changes: { put: {}, patch: {}, ...changes } })
const changesIn = (text: string | undefined): { patch: unknown; put: Record<string, unknown> } =>
  (JSON.parse(text ?? '') as { changes: { patch: unknown; put: Record<string, unknown> } }).changes

/** Advances the clock until the condition is met. */
async function advanceUntil({ clock }: Opened, check: () => void, byMs = 500): Promise<void> {
  await vi.waitFor(async () => {
    await clock.advance(byMs)
    check()
  }, wait)
}

describe('a blob that keeps changes', () => {
  it('has each change when the change is done, and gives it to the next start', async () => {
    const service = await startService()
    const first = await open(service.address)
    expect(service.text).toBeUndefined()
    await first.live.patch({ region: 'X' })
    expect(changesIn(service.text).patch).toEqual({ region: 'X' })
    await first.live.putDeployment('new', chat)
    expect(stateOf(first)).toEqual(['saved', 0])
    const [created, changed] = service.received.filter(({ method }) => method === 'PUT')
    expect(created?.headers).toMatchObject({
      'if-none-match': '*',
      'x-ms-blob-content-type': 'application/json; charset=utf-8',
      authorization: expect.stringMatching(/^SharedKey account:/) as unknown,
    })
    expect(changed?.headers['if-match']).toBe('"0x1"')
    const second = await open(service.address)
    expect([regionOf(second), namesOf(second).at(-1)]).toEqual(['X', 'new'])
    expect([logged(first), logged(second)]).toEqual([[], []])
    expect([first.store.kind, first.store.address]).toEqual(['blob', service.address])
  })

  it('is emptied by a reset', async () => {
    const service = await startService(content({ patch: { region: 'X' } }))
    const opened = await open(service.address)
    await opened.live.reset()
    expect(changesIn(service.text)).toEqual({ put: {}, patch: {} })
  })

  it('gets many concurrent changes in few writes', async () => {
    const service = await startService()
    const opened = await open(service.address)
    const names = Array.from({ length: 20 }, (_, index) => `d${index}`)
    await Promise.all(names.map((name) => opened.live.putDeployment(name, chat)))
    expect(Object.keys(changesIn(service.text).put)).toEqual(names)
    expect(service.received.filter(({ method }) => method === 'PUT').length).toBeLessThan(20)
  })

  it('that is deleted changes nothing, and the next change writes all changes again', async () => {
    const service = await startService()
    const opened = await open(service.address)
    await opened.live.patch({ region: 'X' })
    service.text = undefined
    await opened.store.refresh()
    expect([regionOf(opened), service.text]).toEqual(['X', undefined])
    await opened.live.patch({ completion_length: 'natural' })
    expect(changesIn(service.text).patch).toEqual({ region: 'X', completion_length: 'natural' })
  })

  it('is read with a SAS', async () => {
    const service = await startService(content({ patch: { region: 'X' } }))
    const opened = await open(service.address, { sas: 'sv=2026-01-01&sp=rcw&sig=c2VjcmV0%2Bc2ln' })
    expect(regionOf(opened)).toBe('X')
    await opened.live.patch({ region: 'Y' })
    expect(service.received.map(({ url }) => url.includes('sig=c2VjcmV0%2Bc2ln'))).not.toContain(false)
    expect(opened.store.address).toBe(service.address)
  })
})

describe('two simulators with the same blob', () => {
  it('have the changes of both after the next check, every 2 seconds', async () => {
    const service = await startService()
    const both = [await open(service.address), await open(service.address)] as const
    await Promise.all([
      both[0].live.putDeployment('one', chat),
      both[1].live.patch({ region: 'Two' }),
      both[1].live.putDeployment('two', chat),
    ])
    expect(Object.keys(changesIn(service.text).put).toSorted()).toEqual(['one', 'two'])
    for (const opened of both) {
      await opened.clock.advance(2_000)
      await vi.waitFor(() => {
        expect(namesOf(opened).slice(-2).toSorted()).toEqual(['one', 'two'])
        expect(regionOf(opened)).toBe('Two')
      }, wait)
      expect(stateOf(opened)).toEqual(['saved', 0])
    }
  })

  it('keep the changes of both when they write at the same time', async () => {
    const service = await startService()
    const both = [await open(service.address), await open(service.address)]
    await Promise.all(
      both.flatMap(({ live }, simulator) =>
        Array.from({ length: 15 }, async (_, index) => {
          await realSleep(Math.random() * 50)
          expect((await live.putDeployment(`s${simulator}-${index}`, chat)).problems).toEqual([])
        }),
      ),
    )
    expect(Object.keys(changesIn(service.text).put)).toHaveLength(30)
  })
})

const sas = 'sv=2026-01-01&sp=rcw&sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D'
const secret = 'c2VjcmV0LXNpZ25hdHVyZQ'

/** Failures of a service, each with what the log says of it. */
const failures: ReadonlyArray<
  readonly [what: string, start: (service: FakeBlobService) => void | Promise<void>, log: RegExp]
> = [
  [
    'that is down',
    (service) => service.stop(),
    /ECONNREFUSED.*Check the address in CONFIG_STORE and the network\./,
  ],
  [
    'that answers 403',
    (service) => void (service.intercept = blobError(403, 'AuthenticationFailed')),
    /it answered 403 AuthenticationFailed\..*Check the SAS in CONFIG_STORE/,
  ],
  [
    'without the container',
    (service) => void (service.intercept = blobError(404, 'ContainerNotFound')),
    /it answered 404 ContainerNotFound\..*Create the container container\./,
  ],
  [
    'without the account',
    (service) => void (service.intercept = blobError(404, 'ResourceNotFound')),
    /it answered 404 ResourceNotFound\..*Check the address/,
  ],
  [
    'that answers 500',
    (service) => void (service.intercept = blobError(500, 'InternalError')),
    /it answered 500 InternalError/,
  ],
  [
    'that is throttled',
    (service) => void (service.intercept = blobError(503, 'ServerBusy', { 'retry-after': '1' })),
    /it answered 503 ServerBusy/,
  ],
  [
    'that does not answer',
    (service) => void (service.intercept = () => true),
    /it does not answer within 5 seconds/,
  ],
  [
    'that answers half',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': 1_000 })
        response.write('{"version":1,')
        setTimeout(() => response.destroy(), 20)
        return true
      }),
    /aborted|less data/,
  ],
  [
    'that stops in its answer',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': 1_000 })
        response.write('{"version":1,')
        return true
      }),
    /it does not answer within 5 seconds/,
  ],
  [
    'that redirects',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' }).end()
        return true
      }),
    /it answered 307/,
  ],
  [
    'behind a gateway that is down',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(502, { 'content-type': 'application/xml' }).end('<html><br>Bad gateway')
        return true
      }),
    /it answered 502\. The simulator/,
  ],
  [
    'that refuses in JSON',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Bearer' })
        response.end('{"error":{"code":"no <b>way</b>"}}')
        return true
      }),
    /it answered 401\. .*Check the SAS/,
  ],
  [
    'that cuts the connection',
    (service) => void (service.intercept = (_, response) => (response.destroy(), true)),
    /socket hang up|ECONNRESET/,
  ],
  [
    'that is a web page',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>')
        return true
      }),
    /its answer has no length or no ETag/,
  ],
  [
    'with a blob of a gigabyte',
    (service) =>
      void (service.intercept = (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': 1_000_000_000 })
        response.write('x')
        return true
      }),
    /its content is larger than 67108864 bytes \(got 1000000000\)/,
  ],
  [
    'with wrong content',
    (service) => void (service.text = '{"version":1,"key":"hush"'),
    /its content does not fit: not valid JSON.*Repair the blob, or delete it\./,
  ],
  [
    'with changes that do not fit',
    (service) => void (service.text = content({ put: { x: { model: 5 } } })),
    /its content does not fit: .*"x"\.model must be the name of a model/,
  ],
]

describe('a start with a service', () => {
  it.each(failures)(
    '%s uses the copy, and synchronises later',
    async (_, fail, reason) => {
      const copy = newCopy()
      const service = await startService()
      const before = await open(service.address, { copy, sas })
      await before.live.patch({ region: 'Stored' })
      await before.store.close()
      const stored = service.text
      await fail(service)

      const opened = await open(service.address, { copy, sas, isSlow: true })
      expect(regionOf(opened)).toBe('Stored')
      expect(stateOf(opened)).toEqual(['failing', 0])
      expect(logged(opened)).toEqual([
        expect.stringMatching(/^error: Could not read the changes of the configuration in /),
      ])
      expect(logged(opened)[0]).toMatch(reason)
      expect(logged(opened)[0]).toContain(`The simulator starts with the copy in ${copy}`)

      expect((await opened.live.putDeployment('late', chat)).problems).toEqual([])
      expect([stateOf(opened), namesOf(opened).at(-1)]).toEqual([['failing', 1], 'late'])

      service.intercept = undefined
      if (service.text !== stored) service.text = content({ patch: { region: 'Repaired' } })
      const isRepaired = service.text !== stored
      if (fail.toString().includes('stop')) await service.restart()
      await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
      expect(changesIn(service.text)).toMatchObject({
        patch: { region: isRepaired ? 'Repaired' : 'Stored' },
        put: { late: chat },
      })
      expect(logged(opened).join('\n')).not.toContain(secret)
      expect(logged(opened).join('\n')).not.toContain('hush')
      expect(JSON.stringify(opened.log)).not.toContain(secret)
      await opened.store.close()
      expect(JSON.parse(readFileSync(copy, 'utf8'))).not.toHaveProperty('pending')
    },
    20_000,
  )

  it('that is down and without a copy has no stored changes, and applies them later', async () => {
    const service = await startService(content({ patch: { region: 'Stored' } }))
    await service.stop()
    const opened = await open(service.address, { copy: newCopy(), isSlow: true })
    expect(logged(opened)[0]).toContain(
      'The simulator starts with no stored changes, because it has no copy of them',
    )
    await opened.live.putDeployment('late', chat)
    await service.restart()
    await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
    expect(regionOf(opened)).toBe('Stored')
    expect(changesIn(service.text)).toMatchObject({ patch: { region: 'Stored' }, put: { late: chat } })
  })

  it('with a host that does not exist uses the copy', async () => {
    const opened = await open('http://storage.invalid:10000/account/container/changes.json', { isSlow: true })
    expect(logged(opened)[0]).toMatch(/ENOTFOUND|EAI_AGAIN/)
    expect(stateOf(opened)).toEqual(['failing', 0])
  })

  it('with wrong content is refused without a copy, and the blob stays', async () => {
    const service = await startService('{"version":2,"changes":{}}')
    await expect(open(service.address, { copy: newCopy() })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /changes\.json: its content does not fit: version must be 1 \(got 2\)\. Repair the blob, or delete it to start without its changes\./,
      ) as unknown,
    })
    expect(service.text).toBe('{"version":2,"changes":{}}')
  })

  it('that has lost the blob creates it again from the copy', async () => {
    const copy = newCopy()
    const service = await startService()
    const before = await open(service.address, { copy })
    await before.live.patch({ region: 'Stored' })
    await before.store.close()
    service.text = undefined
    const opened = await open(service.address, { copy })
    expect([regionOf(opened), changesIn(service.text).patch]).toEqual(['Stored', { region: 'Stored' }])
    expect(logged(opened)).toEqual([
      expect.stringMatching(/^warn: .*does not exist\. It is created with the changes of the copy/),
    ])
  })

  it('stores the changes that the blob did not have at the stop, on top of those of others', async () => {
    const copy = newCopy()
    const service = await startService(content({ patch: { region: 'Stored' }, put: { gone: chat } }))
    const before = await open(service.address, { copy })
    await service.stop()
    await before.live.putDeployment('mine', chat)
    await before.live.putDeployment('gone', null)
    const closing = before.store.close()
    await closing
    expect(logged(before).at(-1)).toContain(
      `They are in ${copy}, and the next start on this machine stores them.`,
    )

    const again = await open(service.address, { copy, isSlow: true })
    expect(namesOf(again)).toContain('mine')
    await again.live.patch({ completion_length: 'natural' })
    await again.store.close()

    service.text = content({ patch: { region: 'Other' }, put: { gone: chat, theirs: chat } })
    await service.restart()
    const opened = await open(service.address, { copy })
    expect(stateOf(opened)).toEqual(['saved', 0])
    expect(changesIn(service.text)).toEqual({
      patch: { region: 'Other', completion_length: 'natural' },
      put: { gone: null, theirs: chat, mine: chat },
    })
  })
})

describe('a write to a blob', () => {
  it.each([1, 3])(
    'that fails %i times is repeated with growing pauses, and then nothing is pending',
    async (times) => {
      const service = await startService()
      const opened = await open(service.address)
      let left = times
      service.intercept = (request, response) =>
        request.method === 'PUT' && left-- > 0 && blobError(500, 'InternalError')(request, response)
      await opened.live.patch({ region: 'X' })
      expect(stateOf(opened)).toEqual(['failing', 1])
      await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
      expect(changesIn(service.text).patch).toEqual({ region: 'X' })
      expect(logged(opened)).toEqual([
        expect.stringMatching(
          /^error: Could not store .*: it answered 500 InternalError\. They stay in force, .* at most 10 seconds\.$/,
        ),
        expect.stringMatching(/^info: All changes .* are stored in .* again\.$/),
      ])
    },
  )

  it('waits as long as a throttled service asks, also with further changes', async () => {
    const service = await startService()
    const opened = await open(service.address)
    service.intercept = blobError(503, 'ServerBusy', { 'retry-after': '30' })
    await opened.live.patch({ region: 'X' })
    const { length } = service.received
    await opened.live.patch({ completion_length: 'natural' })
    await opened.clock.advance(29_000)
    await realSleep(30)
    expect([service.received.length, stateOf(opened)]).toEqual([length, ['failing', 2]])
    service.intercept = undefined
    await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
    expect(changesIn(service.text).patch).toEqual({ region: 'X', completion_length: 'natural' })
  })

  it('that hangs delays one change by 10 seconds, and further ones not at all', async () => {
    const service = await startService()
    const opened = await open(service.address)
    service.intercept = () => true
    const changing = opened.live.patch({ region: 'X' })
    const { length } = service.received
    await vi.waitFor(() => expect(service.received.length).toBeGreaterThan(length), wait)
    await opened.clock.advance(10_000)
    expect((await changing).problems).toEqual([])
    await opened.live.patch({ completion_length: 'natural' })
    expect(stateOf(opened)).toEqual(['failing', 2])
    expect(logged(opened)).toEqual([expect.stringContaining('it takes longer than 10 seconds')])
    await vi.waitFor(() => expect(service.received.at(-1)?.left.aborted).toBe(true), wait)
    service.intercept = undefined
    await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
    expect(changesIn(service.text).patch).toEqual({ region: 'X', completion_length: 'natural' })
  })

  it('that gets no answer, and is stored, is not applied twice', async () => {
    const service = await startService()
    const opened = await open(service.address)
    service.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      service.text = request.body.toString('utf8')
      response.destroy()
      return true
    }
    let runs = 0
    const { result } = await opened.live.update((patches) => {
      runs++
      if ('once' in patches.put) return { result: 'exists' }
      return { patches: { ...patches, put: { once: chat } }, result: 'created' }
    })
    service.intercept = undefined
    await advanceUntil(opened, () => expect(stateOf(opened)).toEqual(['saved', 0]))
    expect([result, runs]).toEqual(['created', 1])
    expect(logged(opened).filter((line) => line.includes('another program'))).toEqual([])
  })

  it.each([
    [412, 'LeaseIdMissing', 'Release the lease of the blob.'],
    [409, 'InvalidBlobType', 'Delete the blob: it is not a block blob.'],
    [403, 'AuthorizationFailure', 'Allow this machine in the network settings of the storage account.'],
    [403, 'KeyBasedAuthenticationNotPermitted', 'Remove CONFIG_STORE_KEY to use Microsoft Entra ID.'],
    [403, 'AuthenticationFailed', 'Check CONFIG_STORE_KEY.'],
    [413, 'RequestBodyTooLarge', 'Check the address in CONFIG_STORE.'],
  ])('that is refused with %i %s is reported once, with what to do', async (status, code, todo) => {
    const service = await startService()
    const opened = await open(service.address)
    service.intercept = (request, response) =>
      request.method === 'PUT' && blobError(status, code)(request, response)
    await opened.live.patch({ region: 'X' })
    await opened.live.patch({ region: 'Y' })
    expect(logged(opened)).toEqual([expect.stringContaining(`it answered ${status} ${code}. `)])
    expect(logged(opened)[0]).toMatch(new RegExp(`${todo.replaceAll('.', '\\.')}$`))
    expect(service.received.length).toBeLessThan(10)
  })

  it('that is pending is aborted and reported by a stop', async () => {
    const service = await startService()
    const opened = await open(service.address)
    service.intercept = () => true
    const changing = opened.live.patch({ region: 'X' })
    await opened.clock.advance(10_000)
    await changing
    let isClosed = false
    void opened.store.close().then(() => (isClosed = true))
    await advanceUntil(opened, () => expect(isClosed).toBe(true), 1_000)
    expect(logged(opened).at(-1)).toMatch(
      /^error: Could not store 1 change of the configuration in .*: it takes longer than 10 seconds\. The next start does not have them\.$/,
    )
  })
})

describe('a check of a blob', () => {
  it('that hangs does not delay a stop', async () => {
    const service = await startService(content({}))
    const opened = await open(service.address)
    service.intercept = () => true
    const { length } = service.received
    await opened.clock.advance(2_000)
    await vi.waitFor(() => expect(service.received.length).toBe(length + 1), wait)
    await opened.store.close()
    expect(logged(opened)).toEqual([])
  })

  it('that fails once is not reported, and twice is', async () => {
    const service = await startService(content({}))
    const opened = await open(service.address)
    let left = 1
    service.intercept = (request, response) =>
      left-- > 0 && blobError(500, 'InternalError')(request, response)
    await opened.store.refresh()
    await opened.store.refresh()
    expect([logged(opened), stateOf(opened)]).toEqual([[], ['saved', 0]])
    left = 2
    await opened.store.refresh()
    await opened.store.refresh()
    expect([opened.store.state, opened.store.failure]).toEqual(['failing', 'it answered 500 InternalError'])
    expect(logged(opened)[0]).toMatch(/^error: Could not check the changes of the configuration/)
    await opened.store.refresh()
    expect([opened.store.state, opened.store.failure]).toEqual(['saved', undefined])
  })

  it('keeps the last good changes while the blob has wrong content, and applies an edit', async () => {
    const service = await startService(content({ patch: { region: 'X' } }))
    const opened = await open(service.address)
    service.text = 'oops'
    await opened.store.refresh()
    expect([stateOf(opened), regionOf(opened)]).toEqual([['failing', 0], 'X'])
    await opened.live.putDeployment('new', chat)
    expect([stateOf(opened), service.text]).toEqual([['failing', 1], 'oops'])
    service.text = content({ patch: { region: 'Edited' } })
    await opened.store.refresh()
    expect([stateOf(opened), regionOf(opened)]).toEqual([['saved', 0], 'Edited'])
    expect(changesIn(service.text)).toEqual({ put: { new: chat }, patch: { region: 'Edited' } })
  })
})

describe('the copy of a blob', () => {
  it('is in the state folder of the user by default, one for each blob', () => {
    const paths = ['https://a/c/x', 'https://a/c/y'].map((address) =>
      defaultCopyPath(address, { XDG_STATE_HOME: '/state' }),
    )
    for (const path of paths) expect(path).toMatch(/^\/state\/aoai-sim\/config-store-[\da-f]{16}\.json$/)
    expect(new Set(paths).size).toBe(2)
    expect(defaultCopyPath('https://a/c/x', { XDG_STATE_HOME: 'relative' })).toContain(
      '/.local/state/aoai-sim/',
    )
  })

  it('is readable only by its owner, and has what the blob has', async () => {
    const copy = newCopy()
    const service = await startService()
    const opened = await open(service.address, { copy, sas })
    await opened.live.patch({ region: 'X' })
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    const text = readFileSync(copy, 'utf8')
    expect(JSON.parse(text)).toMatchObject({
      store: service.address,
      blob: { changes: { patch: { region: 'X' } } },
    })
    expect(text).not.toContain(secret)
    service.text = content({ patch: { region: 'Other' } })
    await opened.store.refresh()
    expect(readFileSync(copy, 'utf8')).toContain('Other')
  })

  it('has a pending change when the change is done', async () => {
    const copy = newCopy()
    const service = await startService()
    const opened = await open(service.address, { copy })
    await service.stop()
    await opened.live.patch({ region: 'X' })
    expect(JSON.parse(readFileSync(copy, 'utf8'))).toMatchObject({ pending: { patch: { region: 'X' } } })
  })

  it.each([
    [
      'of another blob',
      (text: string) => text.replace('/changes.json', '/other.json'),
      /it is the copy of another blob/,
    ],
    ['that is damaged', () => '{"version":1,', /it is not valid JSON\. Remove it\./],
    [
      'of a newer version',
      (text: string) => text.replace('"version":1', '"version":2'),
      /not a copy of this version/,
    ],
    [
      'with invalid changes',
      (text: string) => text.replace('"put":{}', '"put":5'),
      /changes\.put must be an object/,
    ],
  ])('%s is not used, and the start says why', async (_, damage, reason) => {
    const copy = newCopy()
    const service = await startService()
    const before = await open(service.address, { copy })
    await before.live.patch({ region: 'X' })
    await before.store.close()
    writeFileSync(copy, damage(readFileSync(copy, 'utf8')))
    await service.stop()
    const opened = await open(service.address, { copy, isSlow: true })
    expect(regionOf(opened)).not.toBe('X')
    expect(logged(opened)[0]).toMatch(/^warn: Could not use the copy/)
    expect(logged(opened)[0]).toMatch(reason)
    expect(logged(opened)[1]).toContain('it has no copy of them')
    const damaged = readFileSync(copy, 'utf8')
    await opened.live.patch({ completion_length: 'natural' })
    expect(readFileSync(copy, 'utf8')).toBe(damaged)
  })

  it('can be that of two simulators, while the blob has all their changes', async () => {
    const copy = newCopy()
    const service = await startService()
    const both = [await open(service.address, { copy }), await open(service.address, { copy })] as const
    await both[0].live.patch({ region: 'X' })
    await both[1].live.patch({ completion_length: 'natural' })
    await both[0].live.patch({ retired_models: 'accept' })
    expect(both.flatMap(logged).filter((line) => !line.startsWith('info'))).toEqual([])
    const { patch } = changesIn(service.text)
    expect(patch).toEqual({ region: 'X', completion_length: 'natural', retired_models: 'accept' })
    expect(JSON.parse(readFileSync(copy, 'utf8'))).toMatchObject({ blob: { changes: { patch } } })
  })

  it('with changes of another simulator that the blob lacks is not replaced before the blob has them', async () => {
    const copy = newCopy()
    const service = await startService()
    const [first, second] = [await open(service.address, { copy }), await open(service.address, { copy })]
    await service.stop()
    await first.live.patch({ region: 'X' })
    await second.live.patch({ completion_length: 'natural' })
    expect(logged(second)).toEqual([
      expect.stringContaining('error: Could not store'),
      expect.stringMatching(/^warn: Could not keep a copy .*: another simulator has changes there/),
    ])
    expect(JSON.parse(readFileSync(copy, 'utf8'))).toMatchObject({ pending: { patch: { region: 'X' } } })
    await second.store.close()
    expect(logged(second).at(-1)).toContain('The next start does not have them.')
    await service.restart()
    await advanceUntil(first, () => expect(stateOf(first)).toEqual(['saved', 0]))
  })

  it('that cannot be written is reported, and changes are stored without it', async () => {
    const service = await startService()
    const file = newCopy()
    writeFileSync(file, '')
    const opened = await open(service.address, { copy: join(file, 'copy.json') })
    await opened.live.patch({ region: 'X' })
    expect(changesIn(service.text).patch).toEqual({ region: 'X' })
    expect(logged(opened)).toEqual([
      expect.stringMatching(/^warn: Could not keep a copy .*set CONFIG_STORE_COPY to another file\.$/),
    ])
  })
})
