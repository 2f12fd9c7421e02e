import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { execForm, parseDockerfile } from '../../scripts/dockerfile.ts'
import {
  eventually,
  packageFolder,
  programKey,
  runInProcess,
  runProgram,
  startProgram,
  type ProgramEnd,
} from '../support/built-program.ts'
import { certificateFolder, testPair } from '../support/certificates.ts'

/** Runs a command that trusts a certificate. */
function runNode(args: readonly string[], env: Readonly<Record<string, string>>): Promise<ProgramEnd> {
  const child = spawn(process.execPath, args, {
    cwd: packageFolder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output })))
}

/** A program of a user with the official client: one whole and one streamed answer, with the token counts of both. */
const client = `
import OpenAI from 'openai'
const openai = new OpenAI({ baseURL: process.env.URL + '/openai/v1', apiKey: process.env.KEY, maxRetries: 0 })
const request = { model: 'gpt-4o-mini', max_tokens: 7, messages: [{ role: 'user', content: 'Hello' }] }
const whole = await openai.chat.completions.create(request)
const stream = openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } })
const last = await stream.finalChatCompletion()
console.log(whole.usage.completion_tokens, last.usage.completion_tokens)
`

/** Serial of the certificate that a new connection gets. */
async function servedSerial(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

const limits = { timeout: 120_000 }

describe('TLS', () => {
  it.each(['1', '2'])(
    'serves an official client, and renews its certificate, with WORKERS=%s',
    limits,
    async (workers) => {
      const files = certificateFolder(await testPair())
      await using program = await startProgram({
        env: { TLS_CERT_PATH: files.certPath, TLS_KEY_PATH: files.keyPath, WORKERS: workers },
      })
      const { url, port, key } = program
      expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
      const ask = () =>
        runNode(['--input-type=module', '-e', client], {
          URL: url,
          KEY: key,
          NODE_EXTRA_CA_CERTS: files.certPath,
        })
      expect(await ask()).toEqual({ code: 0, stdout: '7 7\n', stderr: '' })

      const plain = connectTcp(port, '127.0.0.1')
      plain.on('error', () => {}).write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
      await new Promise((resolve) => plain.once('close', resolve))

      const before = await servedSerial(port)
      const next = await testPair('second')
      writeFileSync(files.keyPath, next.key)
      writeFileSync(files.certPath, next.cert)
      const isReloaded = (text: string): boolean =>
        (text.match(/Reloaded the certificate/g) ?? []).length === Number(workers)
      expect(await eventually(async () => isReloaded(program.stderr()), Boolean)).toBe(true)
      for (let index = 0; index < 10; index++) expect(await servedSerial(port)).not.toBe(before)
      expect(await ask()).toEqual({ code: 0, stdout: '7 7\n', stderr: '' })
      const { code, stdout, stderr } = await program.stop()
      expect(code).toBe(0)
      expect(stderr).toContain('"plainHttp":1')
      expect(stdout + stderr).not.toContain('PRIVATE KEY')
    },
  )

  it('is checked at the start, with all problems', limits, async () => {
    const { certPath } = certificateFolder(await testPair())
    const { keyPath } = certificateFolder(await testPair('second'))
    const env = { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath, PORT: 'x' }
    const { code, stdout, stderr } = await runInProcess([], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Could not start: 2 problems in the configuration\n {2}PORT must be/)
    expect(stderr).toContain('TLS_KEY_PATH must be the key of the certificate in TLS_CERT_PATH')
  })

  it(
    'works with the commands load and check retries, and the health check of the image',
    limits,
    async () => {
      const { certPath, keyPath } = certificateFolder(await testPair())
      await using program = await startProgram({
        env: { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath, JOURNAL_SIZE: '1000' },
      })
      const env = { SIMULATOR_API_KEY: programKey }
      const trusting = { ...env, NODE_EXTRA_CA_CERTS: certPath }
      const load = ['load', '--url', program.url, '--duration', '1s', '--connections', '2']
      const loaded = await runProgram(load, { env: trusting })
      expect({ code: loaded.code, stderr: loaded.stderr }).toEqual({ code: 0, stderr: '' })
      const check = ['check', 'retries', '--url', program.url]
      expect(await runProgram(check, { env: trusting })).toMatchObject({ code: 0, stderr: '' })
      for (const command of [load, check]) {
        const refused = await runInProcess(command, { env })
        expect(refused.code).toBe(1)
        expect(refused.stderr).toContain('self-signed certificate. Set NODE_EXTRA_CA_CERTS to the file')
      }
      const dockerfile = parseDockerfile(readFileSync(join(packageFolder, 'Dockerfile'), 'utf8'))
      const { rest = '' } =
        dockerfile.stages.at(-1)?.instructions.find(({ name }) => name === 'HEALTHCHECK') ?? {}
      const [, ...args] = execForm(rest.replace(/^CMD\s+/, '')) ?? []
      const health = (more: Record<string, string>) => runNode(args, { PORT: String(program.port), ...more })
      expect((await health({ TLS_CERT_PATH: certPath })).code).toBe(0)
      expect((await health({})).code).toBe(1)
    },
  )
})
