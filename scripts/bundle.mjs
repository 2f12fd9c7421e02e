// Bundles src/ into dist/: one file per entry, and shared chunks, so that all entries use the same module instances.
// Dynamic imports are separate chunks. The packages that every start loads are bundled; the others are not. Bundles ui/
// with its packages into dist/ui/.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}/dist`, { recursive: true, force: true })

/** Packages that every start loads. As 200 separate files they take a fifth of its CPU time. */
const loadedAtStart = new Set([
  '@hono/node-server',
  'chokidar',
  'commander',
  'hono',
  'prom-client',
  'seedrandom',
  'zod',
])

/** The name of a package at the start of a path. */
const packageName = /^(?:@[^/]+\/)?[^/]+/

const onlyLoadedAtStart = {
  name: 'only-loaded-at-start',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      const isInPackage = importer.includes('/node_modules/')
      // Only for exemplars, which the simulator does not have.
      if (isInPackage && path === '@opentelemetry/api') return { path, namespace: 'empty' }
      const [name] = packageName.exec(path) ?? []
      if (isInPackage || importer === '' || loadedAtStart.has(name)) return undefined
      return { path, external: true }
    })
    onLoad({ filter: /^/, namespace: 'empty' }, () => ({ contents: '' }))
  },
}

/** In dist/, encodings are read from the files of scripts/pack-encodings.ts. */
const packedEncodings = {
  name: 'packed-encodings',
  setup({ onResolve }) {
    onResolve({ filter: /\/built-in-encodings\.ts$/ }, () => ({
      path: `${root}/src/tokens/packed-encodings.ts`,
    }))
  },
}

const { metafile: program } = await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts', 'src/extension.ts', 'src/cli/main.ts'],
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  plugins: [onlyLoadedAtStart, packedEncodings],
  // prom-client is CommonJS, and requires modules of Node.js.
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'; const require = nodeRequire(import.meta.url);",
  },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // With `node --enable-source-maps` stack traces show lines of src/. The source text is not included, because it
  // would double the package size.
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
})

const bundledPackages = new Set(
  Object.keys(program.inputs)
    .filter((path) => path.startsWith('node_modules/'))
    .map((path) => packageName.exec(path.slice('node_modules/'.length))?.[0] ?? ''),
)
writeFileSync(
  `${root}/dist/third-party-licenses.txt`,
  [...bundledPackages].toSorted().map(licenseOf).join('\n'),
)

/** The license of a package, which must accompany its code. */
function licenseOf(name) {
  const folder = `${root}/node_modules/${name}`
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry)) ?? 'README.md'
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const text = readFileSync(`${folder}/${file}`, 'utf8')
  const license = file === 'README.md' ? /^LICEN[CS]E[^]*/m.exec(text)?.[0] : text
  if (license === undefined) throw new Error(`Could not find the license of ${name} in ${folder}.`)
  return `${name} ${version}\n\n${license.trim()}\n`
}

/**
 * Leaves out the parts of uPlot that ui/components/chart.tsx does not use: its legend, other shapes than lines, scales that are not
 * linear, data that is not shared by all series, its formats of dates, and the join of tables.
 */
const unusedOfPlot = [
  [/^\t\(paths\.(?:stepped|bars|spline) .*$/gm, ''],
  [/^\tuPlot\.(?:join|fmtDate|tzDate|addGap|clipGaps) *= \w+;$/gm, ''],
  [/^\tconst showLegend = .*$/m, 'const showLegend = false;'],
  [/^\tlet multiValLegend = .*$/m, 'const multiValLegend = false;'],
  [/^\t\tmultiValLegend = getMultiVals .*$/m, ''],
  [/(?<!\.)\bmode == 1/g, 'true'],
  [/(?<!\.)\bmode == 2/g, 'false'],
  [/\b(?:\w+\.distr|distr|xScaleDistr) (?:== (?:2|3|4|100)|>= 3)\b/g, 'false'],
  [/\bms == 1\b/g, 'false'],
  [/^\tconst _(?:fmtDate|timeAxisVals|timeSeriesVal)\b.*$/gm, ''],
  [/^\t\t\taxis\.values = \([^]*?^\t\t\t\);$/m, 'axis.values = av;'],
  [/^\t\t\ts\.value = isTime \? .*$/m, 's.value = retArg1;'],
]

const smallerPlot = {
  name: 'smaller-plot',
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const missing = unusedOfPlot.filter(([pattern]) => source.search(pattern) < 0)
      if (missing.length > 0)
        throw new Error(
          `Could not find ${missing.map(([pattern]) => String(pattern)).join(', ')} in uPlot: adapt scripts/bundle.mjs to its version.`,
        )
      const contents = unusedOfPlot.reduce(
        (text, [pattern, instead]) => text.replace(pattern, instead),
        source,
      )
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
  // Calls of h() are smaller than those of the automatic transform.
  jsx: 'transform',
  jsxFactory: 'h',
  jsxFragment: 'Fragment',
  inject: ['node_modules/preact/dist/preact.mjs'],
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
