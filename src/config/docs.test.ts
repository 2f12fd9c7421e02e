import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.ts'
import { redactConfig } from './redact-config.ts'
import { renderConfigDocs } from './render-config-docs.ts'
import { renderSampleEnv } from './render-sample-env.ts'
import { settingsTable } from './settings-table.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const loadWith = (envFile: string): unknown =>
  redactConfig(loadConfig({ flags: {}, env: {}, workingDirectory: '/', readFile: () => envFile }))

describe('the generated documents', () => {
  it('docs/config.md is what scripts/generate-docs.ts makes', () => {
    expect(read('docs/config.md')).toBe(renderConfigDocs())
  })

  it('sample.env is what scripts/generate-docs.ts makes', () => {
    expect(read('sample.env')).toBe(renderSampleEnv())
  })

  it('sample.env gives the defaults, as it is and with every line uncommented', () => {
    const uncommented = renderSampleEnv().replaceAll(/^#(?=[A-Z])/gm, '')
    expect(Object.keys(parseEnv(uncommented))).toHaveLength(settingsTable().length)
    expect(loadWith(renderSampleEnv())).toEqual(loadWith(''))
    expect(loadWith(uncommented)).toEqual(loadWith(''))
  })
})
