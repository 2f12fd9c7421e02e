import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { rmSync } from 'node:fs'
import type { TlsFiles } from '../../src/config/tls-settings.ts'
import { createCertificate } from '../../src/server/create-certificate.ts'

/** Both parts of a certificate in PEM format. */
export interface TestPair {
  readonly cert: string
  readonly key: string
}

/** Creates another one for `localhost`. */
export function pairValid(fromMs: number, toMs: number): Promise<TestPair> {
  return createCertificate(['localhost'], toMs, fromMs)
}

const dayMs = 86_400_000
const pairs = new Map<string, Promise<TestPair>>()

/** Creates a certificate for loopback that is valid for a day, once for each name. */
export function testPair(name = 'first'): Promise<TestPair> {
  const hosts = ['localhost', '127.0.0.1', `${name}.example.com`]
  const pair = pairs.get(name) ?? createCertificate(hosts, Date.now() + dayMs)
  pairs.set(name, pair)
  return pair
}

/** Writes cert.pem and key.pem to a folder that is removed after the test. */
export function certificateFolder({ cert, key }: TestPair): TlsFiles & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const files = { certPath: join(folder, 'cert.pem'), keyPath: join(folder, 'key.pem') }
  writeFileSync(files.certPath, cert)
  writeFileSync(files.keyPath, key)
  return { folder, ...files }
}
