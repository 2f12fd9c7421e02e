import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OperatorError } from '../lib/operator-error.ts'
import { loadOptional, packageVersions } from './open-exports.ts'

describe('loadOptional', () => {
  it('throws an error with the command that installs missing packages', async () => {
    const missing = Object.assign(new Error("Cannot find package '@opentelemetry/api' imported from x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    const failure = await loadOptional(() => Promise.reject(missing)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(OperatorError)
    expect(failure).toMatchObject({ code: 'TELEMETRY_UNAVAILABLE', exitCode: 1 })
    expect(String(failure)).toContain('npm install @opentelemetry/api@1')
    expect(String(failure)).toContain('@opentelemetry/exporter-trace-otlp-proto@')
  })

  it('rethrows all other errors', async () => {
    const broken = new SyntaxError('broken')
    await expect(loadOptional(() => Promise.reject(broken))).rejects.toBe(broken)
  })

  it('has the versions of package.json', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      peerDependencies: Record<string, string>
    }
    const ofTelemetry = Object.entries(manifest.peerDependencies).filter(([name]) =>
      name.startsWith('@opentelemetry/'),
    )
    expect(packageVersions).toEqual(Object.fromEntries(ofTelemetry))
  })
})
