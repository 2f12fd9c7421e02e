import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/live-config.ts'
import { deploymentEntrySchema } from '../src/config/resolve-deployment.ts'
import { findModel } from '../src/wire/models/model-catalogue.ts'
import { renderConfigFile, renderSchema } from '../src/cli/config-commands.ts'
import { renderConfigDocs, renderSampleEnv } from '../scripts/render-config-docs.ts'
import { renderGatewayDocs } from '../scripts/render-gateway-docs.ts'
import { renderModelDocs } from '../scripts/render-model-docs.ts'
import { renderParameterDocs } from '../scripts/render-parameter-docs.ts'
import { settingsTable } from '../src/config/settings-table.ts'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

const loadWith = (envFile: string): unknown => {
  const sources = { flags: {}, env: {}, workingDirectory: '/', readFile: () => envFile }
  // Without a setting, each start makes a key.
  return { ...loadConfig(sources).defaultResource, apiKey: 'a key', adminApiKey: 'a key' }
}

describe('the generated documents', () => {
  it('docs/config.md is what scripts/generate-docs.ts makes', () => {
    expect(read('docs/config.md')).toBe(renderConfigDocs())
  })

  it('docs/gateway.md has the tables that scripts/generate-docs.ts makes', async () => {
    expect(await renderGatewayDocs(read('docs/gateway.md'))).toBe(read('docs/gateway.md'))
  })

  it('docs/models.md has the tables that scripts/generate-docs.ts makes', async () => {
    expect(await renderModelDocs(read('docs/models.md'))).toBe(read('docs/models.md'))
  })

  it('docs/parameters.md is what scripts/generate-docs.ts makes', async () => {
    expect(read('docs/parameters.md')).toBe(await renderParameterDocs())
  })

  it('docs/models.md has every capability that a model file can change', () => {
    const section = read('docs/models.md').split('### Change capabilities')[1]?.split('## Unknown models')[0]
    const keys = [...(section ?? '').matchAll(/^\| `(\w+)` *\|/gm)].map(([, key]) => key)
    expect(new Set(keys)).toEqual(new Set(Object.keys(findModel('gpt-5')!.capabilities)))
  })

  it('docs/config.md has every key that a deployment may have', () => {
    const section =
      read('docs/config.md').split('## The deployment file')[1]?.split('## The default set')[0] ?? ''
    const keys = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)
    expect(keys).toEqual(Object.keys(deploymentEntrySchema.shape))
  })

  it.each([
    ['gpt-4o', 360],
    ['gpt-4.1', 60],
    ['gpt-5-mini', 60],
    ['o1', 10],
    ['o3-mini', 6],
  ])(
    'docs/config.md tells the requests per minute of 60,000 tokens per minute: of %s %i',
    (name, requests) => {
      const models = read('docs/config.md').split('## Models')[1] ?? ''
      const row = models.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
      expect(row?.split(' | ')[4]).toBe(String(requests))
    },
  )

  it('schema/aoai-sim.schema.json and examples/aoai-sim.yaml are what scripts/generate-docs.ts makes', () => {
    expect(read('schema/aoai-sim.schema.json')).toBe(renderSchema())
    expect(read('examples/aoai-sim.yaml')).toBe(
      renderConfigFile('aoai-sim.yaml', '../schema/aoai-sim.schema.json'),
    )
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
