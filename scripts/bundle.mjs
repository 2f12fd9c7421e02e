// Bundles src/ into dist/: one file per entry, and shared chunks, so that all entries use the same module instances.
// Dynamic imports are separate chunks, and packages are not bundled.
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
  // With `node --enable-source-maps` stack traces show lines of src/. The source text is not included, because it
  // would double the package size.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
