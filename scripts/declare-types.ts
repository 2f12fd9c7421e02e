// Completes the declarations that tsc has written to dist/. Removes those that users cannot import. Adds descriptions
// to settings and deployment keys, so that editors show them. In the source the descriptions are texts, because
// documents and the OpenAPI document use them too.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { deploymentKeys } from '../src/config/deployment-keys.ts'
import { settingsTable } from '../src/config/settings-table.ts'

const dist = new URL('../dist/', import.meta.url)

removeUnreachable(['index.d.ts', 'extension.d.ts'])
describe(
  'settings-schema.d.ts',
  'settingsSchema',
  settingsTable().map(({ path, description, range, unit, env }) => {
    const facts = [range, unit, `the variable ${env}`].filter((fact) => fact !== undefined)
    return [path.join('.'), `${description} (${facts.join('; ')})`]
  }),
)
describe(
  'resolve-deployment.d.ts',
  'deploymentEntrySchema',
  Object.entries(deploymentKeys).map(([key, { meaning, range, whenAbsent }]) => [
    key,
    `${meaning}; absent: ${whenAbsent}. (${range})`,
  ]),
)

/** Removes each declaration file that no entry imports, directly or indirectly. */
function removeUnreachable(entries: readonly string[]): void {
  const reachable = new Set(entries.map((name) => new URL(name, dist).href))
  // The loop also visits files that are added during the loop.
  for (const url of reachable) {
    const imported = readFileSync(new URL(url), 'utf8').matchAll(
      /(?:\bfrom |\bimport\(?)["'](\.[^"']+)\.[jt]s["']/g,
    )
    for (const [, path] of imported) reachable.add(new URL(`${path}.d.ts`, url).href)
  }
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const url = new URL(name.replaceAll('\\', '/'), dist)
    if (name.endsWith('.d.ts') && !reachable.has(url.href)) rmSync(url)
  }
}

/** Writes a comment above each key of a schema. */
function describe(name: string, schema: string, texts: readonly (readonly [string, string])[]): void {
  const file = new URL(`config/${name}`, dist)
  const comments = new Map(texts)
  const path: string[] = []
  let isInside = false
  const lines: string[] = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith(`export declare const ${schema}: z.ZodObject<{`)) isInside = true
    else if (/^ *}, z\.core\.\$strict>;$/.test(line)) isInside = isInside && path.pop() !== undefined
    else if (isInside) addComment(line)
    lines.push(line)
  }
  if (comments.size > 0) {
    throw new Error(`Could not describe ${[...comments.keys()].join(', ')}: not found in ${name}.`)
  }
  writeFileSync(file, lines.join('\n'))

  function addComment(line: string): void {
    const [, indent = '', key = ''] = /^( +)(\w+): /.exec(line) ?? []
    const keyPath = [...path, key].join('.')
    const text = comments.get(keyPath)
    if (text !== undefined && comments.delete(keyPath)) {
      lines.push(`${indent}/** ${text.replaceAll('*/', '*\\/')} */`)
    }
    if (line.endsWith('z.ZodObject<{')) path.push(key)
  }
}
