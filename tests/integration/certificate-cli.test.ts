import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callProgram } from '../support/call-program.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certificate-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const modeOf = (path: string): number => statSync(join(folder, path)).mode & 0o777

describe('aoai-sim certificate', () => {
  it('writes a pair that the simulator starts with, and a key that only its owner can read', async () => {
    const { code, out } = await callProgram(folder, ['certificate', '--host', 'sim.example.com', '10.0.0.5'])
    expect(code).toBe(0)
    expect(modeOf('tls/key.pem')).toBe(0o600)
    expect(readdirSync(join(folder, 'tls')).toSorted()).toEqual(['cert.pem', 'key.pem'])
    const certificate = new X509Certificate(read('tls/cert.pem'))
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:sim.example.com, IP Address:10.0.0.5',
    )
    expect(out).toContain('TLS_CERT_PATH=tls/cert.pem TLS_KEY_PATH=tls/key.pem aoai-sim')
    for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE']) {
      expect(out).toContain(`${name}=${join(folder, 'tls/cert.pem')}`)
    }
    expect(out).not.toContain('PRIVATE')
    const env = { TLS_CERT_PATH: 'tls/cert.pem', TLS_KEY_PATH: 'tls/key.pem', PORT: '0' }
    const started = await callProgram(folder, [], env)
    expect(started.code).toBe(0)
    expect(started.out).toMatch(/Endpoint +https:\/\/127\.0\.0\.1:\d+\n/)
    expect(started.out).toContain(`    --cacert '${join(folder, 'tls/cert.pem')}' \\\n`)
  })

  it('replaces existing files only with --force, and then the mode of the key as well', async () => {
    await callProgram(folder, ['certificate', '--out', '.'])
    const before = { cert: read('cert.pem'), key: read('key.pem') }
    const refused = await callProgram(folder, ['certificate', '--out', '.'])
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^Could not write the certificate: cert\.pem and key\.pem exist already\./,
      ) as string,
    })
    expect({ cert: read('cert.pem'), key: read('key.pem') }).toEqual(before)
    rmSync(join(folder, 'cert.pem'))
    chmodSync(join(folder, 'key.pem'), 0o644)
    expect((await callProgram(folder, ['certificate', '--out', '.'])).err).toContain('key.pem exists already')
    expect((await callProgram(folder, ['certificate', '--out', '.', '--force', '--days', '2'])).code).toBe(0)
    expect(read('key.pem')).not.toBe(before.key)
    expect(modeOf('key.pem')).toBe(0o600)
    const days = (Date.parse(new X509Certificate(read('cert.pem')).validTo) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(2, 1)
  })

  it.each([
    [['--days', '0'], 'from 1 to 825'],
    [['--days', '826'], 'from 1 to 825'],
    [['--host', 'https://x'], 'without port'],
    [['more'], 'too many arguments'],
  ])('refuses %s', async (flags, message) => {
    const { code, err } = await callProgram(folder, ['certificate', ...flags])
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(readdirSync(folder)).toEqual([])
  })

  it('names the reason if a file cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    const { code, err } = await callProgram(folder, ['certificate', '--out', 'file'])
    expect(code).toBe(1)
    expect(err).toMatch(/^Could not write the certificate: E(EXIST|NOTDIR)/)
  })
})
