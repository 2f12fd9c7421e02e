// Writes the documents that are generated from the code. --check only fails if one of them is stale.
import { readFile, writeFile } from 'node:fs/promises'
import { renderConfigFile, renderSchema } from '../src/cli/config-commands.ts'
import { renderConfigDocs, renderSampleEnv } from './render-config-docs.ts'
import { renderGatewayDocs } from './render-gateway-docs.ts'
import { renderModelDocs } from './render-model-docs.ts'
import { renderParameterDocs } from './render-parameter-docs.ts'

/** Each function returns the document; a document with generated sections is made from its current text. */
const documents: Readonly<Record<string, (current: string) => string | Promise<string>>> = {
  'docs/config.md': renderConfigDocs,
  'docs/gateway.md': renderGatewayDocs,
  'docs/models.md': renderModelDocs,
  'docs/parameters.md': renderParameterDocs,
  'sample.env': renderSampleEnv,
  'schema/aoai-sim.schema.json': renderSchema,
  'examples/aoai-sim.yaml': () => renderConfigFile('aoai-sim.yaml', '../schema/aoai-sim.schema.json'),
}
const checkOnly = process.argv.includes('--check')

for (const [path, render] of Object.entries(documents)) {
  const url = new URL(`../${path}`, import.meta.url)
  const current = await readFile(url, 'utf8').catch(() => '')
  const rendered = await render(current)
  if (current === rendered) continue
  if (checkOnly) {
    console.error(`${path} is stale. Run: npx tsx scripts/generate-docs.ts`)
    process.exitCode = 1
  } else {
    await writeFile(url, rendered)
    console.log(`Wrote ${path}`)
  }
}
