// Bundles src/ into dist/: a file for each entry, and chunks that they share, so that all of them have the same instance of
// each module. What is imported dynamically stays a chunk of its own, and packages stay packages.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}/dist`, { recursive: true, force: true })

await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts', 'src/extension.ts', 'src/cli/main.ts'],
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // With `node --enable-source-maps` stack traces name the lines of src/. The text of src/ would double the package.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
