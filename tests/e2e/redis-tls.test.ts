import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programKey, runProgram, startProgram } from '../support/built-program.ts'
import { needs, runTool } from '../support/installed-tool.ts'
import { sendRaw } from '../support/raw-http.ts'
import { redisNeed, type RedisServer, startRedisServer } from '../support/redis-server.ts'

const password = 'p@ss/word:1'
/** Makes key.pem and cert.pem, signed by itself, for the loopback address. */
const certificate =
  'req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=redis -addext subjectAltName=IP:127.0.0.1'.split(
    ' ',
  )

const openssl = needs('openssl')
const canRun = !redisNeed.isMissing && !openssl.isMissing

describe.skipIf(!canRun)(`TLS and a password${redisNeed.note}${openssl.note}`, () => {
  let folder: string
  let server: RedisServer
  const address = (word = password): string =>
    `rediss://default:${encodeURIComponent(word)}@127.0.0.1:${server.port}`
  const env = (more: Readonly<Record<string, string>>): Record<string, string> => ({
    SIMULATOR_API_KEY: programKey,
    REDIS_REQUIRED: 'true',
    REDIS_TIMEOUT_MS: '30000',
    ...more,
  })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-tls-'))
    const made = runTool('openssl', certificate, folder)
    if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const files = `--tls-cert-file ${cert} --tls-key-file ${key} --tls-ca-cert-file ${cert}`
    server = await startRedisServer((port) =>
      `--port 0 --tls-port ${port} --requirepass ${password} --tls-auth-clients no ${files}`.split(' '),
    )
  })
  afterAll(async () => {
    await server?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  it('connects two workers with the certificate of a configured authority, and the password is not logged', async () => {
    await using program = await startProgram({
      args: ['--workers', '2'],
      env: env({ REDIS_URL: address(), NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }),
    })
    const read = async (path: string): Promise<string> => {
      const request = { method: 'GET', path, headers: { 'api-key': programKey } }
      return (await sendRaw(program.port, request)).body
    }
    expect(await read('/metrics')).toContain('\naoai_shared_state_up 1\n')
    const shown = await read('/++/config')
    const { stdout, stderr } = await program.stop()
    expect(stderr).toContain('Redis is connected. Limits are shared.')
    for (const text of [shown, stdout, stderr]) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(encodeURIComponent(password))
    }
  })

  it.each([
    ['a certificate of an unknown authority', () => ({ REDIS_URL: address() }), 'NODE_EXTRA_CA_CERTS'],
    [
      'a wrong password',
      () => ({ REDIS_URL: address('wrong-word'), NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }),
      'Correct user and password in REDIS_URL',
    ],
  ])('ends the start with %s, and says what to do', async (_, more, advice) => {
    const { code, stdout, stderr } = await runProgram(['--port', '0'], { env: env(more()) })
    expect(code).toBe(1)
    expect(stderr).toContain(`Redis at rediss://127.0.0.1:${server.port} does not answer (got: `)
    expect(stderr).toContain(advice)
    for (const word of [password, encodeURIComponent(password), 'wrong-word']) {
      expect(stdout + stderr).not.toContain(word)
    }
  })
})
