import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { expect, it, describe } from 'vitest'
import { filesInMemory } from '../../tests/support/files-in-memory.ts'
import { needs, runTool } from '../../tests/support/installed-tool.ts'
import { pairValid, testPair } from '../../tests/support/certificates.ts'
import { loadConfig } from './live-config.ts'
import { inputsOfOptions } from './options-inputs.ts'
import { readCertificate } from './tls-settings.ts'

const both = { TLS_CERT_PATH: 'cert.pem', TLS_KEY_PATH: 'key.pem' }
const load = (env: Record<string, string>, files: Record<string, string> = {}) =>
  loadConfig({ flags: {}, env, workingDirectory: '/work', readFile: filesInMemory(files) })

describe('TLS settings', () => {
  it('are absent by default, and relative to the working directory', async () => {
    expect(load({}).tls).toBeUndefined()
    const { cert, key } = await testPair()
    const { tls } = load(both, { 'cert.pem': cert, 'key.pem': key })
    expect(tls).toEqual({ certPath: '/work/cert.pem', keyPath: '/work/key.pem' })
  })

  it.each(['TLS_CERT_PATH', 'TLS_KEY_PATH'])('need each other (%s alone)', async (name) => {
    const { cert, key } = await testPair()
    const files = { 'cert.pem': cert, 'key.pem': key }
    const other = name === 'TLS_CERT_PATH' ? 'TLS_KEY_PATH' : 'TLS_CERT_PATH'
    expect(() => load({ [name]: both[name as keyof typeof both] }, files)).toThrow(
      `${other} must be set if ${name} is set (got nothing).`,
    )
  })

  it('are reported with all problems of both files and of other settings', () => {
    const start = (): unknown => load({ ...both, PORT: 'x' }, { 'cert.pem': 'junk' })
    expect(start).toThrow(/3 problems/)
    expect(start).toThrow('PORT must be')
    expect(start).toThrow(
      'TLS_CERT_PATH must name a certificate in PEM format (got /work/cert.pem, which has no',
    )
    expect(start).toThrow('TLS_KEY_PATH names a file that cannot be read')
  })

  it('have the names of options in problems of the library', () => {
    const { problems } = inputsOfOptions(
      { tls: { certPath: 'cert.pem', keyPath: 'key.pem' } },
      { workingDirectory: '/work', readFile: filesInMemory({}) },
    )
    expect(problems.map((problem) => problem.slice(0, 20))).toEqual([
      'tls.certPath names a',
      'tls.keyPath names a ',
    ])
  })
})

/** The problems or warnings of a certificate and a key. */
function judge(cert: string, key: string): readonly string[] {
  const files = { certPath: '/cert.pem', keyPath: '/key.pem' }
  const read = readCertificate(files, (path) => (path === files.certPath ? cert : key))
  return 'problems' in read ? read.problems : read.warnings
}

const day = 86_400_000

describe('readCertificate', () => {
  it('accepts a pair, a chain, one file with both, and a key in another form', async () => {
    const { cert, key } = await testPair()
    const other = await testPair('other')
    const pkcs1 = createPrivateKey(key).export({ type: 'pkcs1', format: 'pem' }).toString()
    for (const [certFile, keyFile] of [
      [cert, key],
      [cert.replaceAll('\n', '\r\n'), `\uFEFF${key}`],
      [cert + other.cert, key],
      [key + cert, key + cert],
      [cert, pkcs1],
    ] as const) {
      expect(judge(certFile, keyFile)).toEqual([])
    }
  })

  it('refuses a key of another certificate, also if the chain is in the wrong order', async () => {
    const [one, two] = [await testPair(), await testPair('other')]
    for (const cert of [two.cert, two.cert + one.cert]) {
      expect(judge(cert, one.key)).toEqual([
        expect.stringContaining(
          'TLS_KEY_PATH must be the key of the certificate in TLS_CERT_PATH (got /key.pem',
        ),
      ])
    }
  })

  it('refuses files without certificate and key, and never quotes the key', async () => {
    const { cert, key } = await testPair()
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2_048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' },
    })
    const damaged = (text: string): string => text.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')
    const cases = [
      [key, key, 'which has no certificate'],
      ['', key, 'which has no certificate'],
      [damaged(cert), key, 'which has a damaged certificate'],
      [cert, cert, 'which has no private key'],
      [cert, damaged(key), 'which has a damaged key'],
      [cert, privateKey, 'which has a key with a passphrase'],
    ] as const
    for (const [certFile, keyFile, expected] of cases) {
      const problems = judge(certFile, keyFile)
      expect(problems).toEqual([expect.stringContaining(expected)])
      expect(problems.join()).not.toContain('PRIVATE KEY')
      for (const line of keyFile.split('\n').filter((text) => text.length > 40)) {
        expect(problems.join()).not.toContain(line)
      }
    }
  })

  const openssl = needs('openssl')
  it.skipIf(openssl.isMissing)(`refuses a key that is too short for TLS${openssl.note}`, () => {
    const command = 'req -x509 -newkey rsa:512 -nodes -days 2 -keyout - -subj /CN=x'
    const { stdout } = runTool('openssl', command.split(' '), tmpdir())
    expect(judge(stdout, stdout)).toEqual([
      expect.stringContaining('cannot be used for TLS: ee key too small'),
    ])
  })

  it('warns of a certificate that has expired or is not valid yet', async () => {
    const now = Date.now()
    const expired = await pairValid(now - 2 * day, now - day)
    expect(judge(expired.cert, expired.key)).toEqual([
      expect.stringMatching(/^The certificate in \/cert\.pem expired at \d{4}-\d\d-\d\dT[\d:]+Z\. /),
    ])
    const early = await pairValid(now + day, now + 2 * day)
    expect(judge(early.cert, early.key)).toEqual([expect.stringContaining('is not valid before')])
  })
})
