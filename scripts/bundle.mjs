// Bundles src/ into dist/: one file per entry, and shared chunks, so that all entries use the same module instances.
// Dynamic imports are separate chunks, and packages are not bundled. Bundles ui/ with its packages into dist/ui/.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
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

/** Leaves out the parts of uPlot that no chart uses: other shapes than lines, and the join of tables.. */
const smallerPlot = {
  name: 'smaller-plot',
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const unused = [/^\t\(paths\.(?:stepped|bars|spline) .*$/gm, /^\tuPlot\.join = join;$/gm]
      const contents = unused.reduce((text, pattern) => text.replace(pattern, ''), source)
      if (contents.length > source.length - 100)
        throw new Error('Could not find the unused parts of uPlot: adapt scripts/bundle.mjs to its version.')
      return { contents, loader: 'js' }
    })
  },
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { app: 'ui/main.tsx' },
  outdir: 'dist/ui',
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  // The first versions with light-dark() of CSS.
  target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none',
  plugins: [smallerPlot],
  sourcemap: false,
  metafile: true,
  logLevel: 'warning',
})
const built = Object.keys(metafile.outputs).map((path) => basename(path))
const nameOf = (extension) => built.find((name) => name.endsWith(extension)) ?? ''
// The server fills in {assets}: it depends on the path of the page.
const page = readFileSync(`${root}/ui/index.html`, 'utf8')
  .replace('{script}', nameOf('.js'))
  .replace('{style}', nameOf('.css'))
writeFileSync(`${root}/dist/ui/index.html`, page)
copyFileSync(`${root}/ui/icon.svg`, `${root}/dist/ui/icon.svg`)
