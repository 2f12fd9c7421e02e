import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasDefaultExport, scanSource } from './support/import-scanner.ts'

const longestFile = 400

/** Packages of the page. They are bundled, so each counts in its size. */
const packages = /^(?:preact(?:\/hooks)?|uplot)$/

/** Folders that all views use. A view imports nothing of another view. */
const shared = new Set(['lib', 'components'])

const files = readdirSync(new URL('../ui', import.meta.url), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
  .map((file) => {
    const source = readFileSync(new URL(`../ui/${file}`, import.meta.url), 'utf8')
    return { file, source, lines: source.split('\n').length - 1, scanned: scanSource(source) }
  })
const code = files.filter(({ file }) => !file.endsWith('.test.ts'))

/** Says why a file of ui/ must not import something. */
function importProblem(file: string, specifier: string, typeOnly: boolean): string | undefined {
  // The schemas of the admin API give the types of its answers.
  if (specifier === 'zod' && typeOnly) return undefined
  if (!specifier.startsWith('.')) {
    return packages.test(specifier)
      ? undefined
      : `ui/${file} imports ${specifier}. The page has preact and uplot.`
  }
  const path = posix.join('ui', posix.dirname(file), specifier)
  if (path.startsWith('src/')) {
    return typeOnly ? undefined : `ui/${file} imports code of ${path}. Import only its types.`
  }
  const [root, folder = ''] = path.split('/')
  if (root !== 'ui') return `ui/${file} imports ${path}, which is not part of the page.`
  const own = file.includes('/') ? file.split('/')[0] : ''
  if (folder === own || shared.has(folder) || folder.includes('.')) return undefined
  if (own === 'frame' || own === '') return undefined
  return `ui/${file} imports the view ${folder}. Move what both need into ui/lib or ui/components.`
}

describe('ui/', () => {
  test('imports its packages, types of src/, and shared folders', () => {
    const problems = code.flatMap(({ file, scanned }) =>
      scanned.imports.map(({ specifier, typeOnly }) => importProblem(file, specifier, typeOnly)),
    )
    expect(problems.filter(Boolean)).toEqual([])
  })

  test('has no file above 400 lines, and no default exports', () => {
    expect(code.filter(({ lines }) => lines > longestFile).map(({ file }) => file)).toEqual([])
    expect(files.filter(({ scanned }) => hasDefaultExport(scanned)).map(({ file }) => file)).toEqual([])
  })

  test('never turns text into markup or code', () => {
    const unsafe =
      /dangerouslySetInnerHTML|\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\(|DOMParser|createContextualFragment|setHTML/
    expect(code.filter(({ source }) => unsafe.test(source)).map(({ file }) => file)).toEqual([])
  })

  test('keeps no cookie, and calls only the admin API and the first request of the overview', () => {
    const calls = /\bfetch\(|XMLHttpRequest|EventSource|WebSocket|sendBeacon|document\.cookie/
    const found = code.filter(({ scanned }) => calls.test(scanned.code)).map(({ file }) => file)
    expect(found.toSorted()).toEqual(['lib/api.ts', 'overview/first-screen.tsx'])
  })
})

describe('the rules of ui/', () => {
  test.each([
    ['logs/logs-view.tsx', 'preact/hooks', false],
    ['logs/logs-view.tsx', '../lib/api.ts', false],
    ['logs/logs-view.tsx', './log-row.tsx', false],
    ['lib/live.ts', '../../src/server/admin/live-stats.ts', true],
    ['frame/app.tsx', '../logs/logs-view.tsx', false],
    ['main.tsx', './frame/app.tsx', false],
    ['retries/retry-verdict.ts', 'zod', true],
  ])('let ui/%s import %s', (file, specifier, typeOnly) => {
    expect(importProblem(file, specifier, typeOnly)).toBeUndefined()
  })

  test.each([
    ['lib/live.ts', '../../src/lib/queues.ts', false, 'Import only its types'],
    ['logs/logs-view.tsx', '../requests/requests-view.tsx', false, 'imports the view requests'],
    ['lib/api.ts', '../logs/log-entry.ts', true, 'imports the view logs'],
    ['logs/logs-view.tsx', 'react', false, 'preact and uplot'],
    ['retries/retry-verdict.ts', 'zod', false, 'preact and uplot'],
    ['logs/logs-view.tsx', 'node:fs', false, 'preact and uplot'],
    ['logs/logs-view.tsx', '../../tests/support/text.ts', false, 'not part of the page'],
  ])('refuse that ui/%s imports %s', (file, specifier, typeOnly, reason) => {
    expect(importProblem(file, specifier, typeOnly)).toContain(reason)
  })
})
