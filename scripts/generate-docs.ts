// Writes the documents that are generated from the code. --check only fails if one of them is stale.
import { readFile, writeFile } from 'node:fs/promises'
import { renderConfigDocs, renderSampleEnv } from './render-config-docs.ts'

const documents = { 'docs/config.md': renderConfigDocs, 'sample.env': renderSampleEnv }
const checkOnly = process.argv.includes('--check')

for (const [path, render] of Object.entries(documents)) {
  const url = new URL(`../${path}`, import.meta.url)
  const current = await readFile(url, 'utf8').catch(() => undefined)
  if (current === render()) continue
  if (checkOnly) {
    console.error(`${path} is stale. Run: npx tsx scripts/generate-docs.ts`)
    process.exitCode = 1
  } else {
    await writeFile(url, render())
    console.log(`Wrote ${path}`)
  }
}
