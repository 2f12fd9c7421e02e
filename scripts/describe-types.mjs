// Writes the descriptions of settings and of the keys of a deployment into the built declarations, where editors find them.
// In the source they stand once, as texts that documents and the OpenAPI document have too.
import { readFileSync, writeFileSync } from 'node:fs'
import { deploymentKeys } from '../dist/config/deployment-keys.js'
import { settingsTable } from '../dist/config/settings-table.js'

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

/** Writes a comment above each key of a schema. */
function describe(name, schema, texts) {
  const file = new URL(`../dist/config/${name}`, import.meta.url)
  const comments = new Map(texts)
  const path = []
  let isInside = false
  const lines = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith(`export declare const ${schema}: z.ZodObject<{`)) isInside = true
    else if (/^ *}, z\.core\.\$strict>;$/.test(line)) isInside = isInside && path.pop() !== undefined
    else if (isInside) addComment(line)
    lines.push(line)
  }
  if (comments.size > 0) {
    throw new Error(`Could not describe ${[...comments.keys()].join(', ')}: ${name} does not have them`)
  }
  writeFileSync(file, lines.join('\n'))

  function addComment(line) {
    const [, indent = '', key = ''] = /^( +)(\w+): /.exec(line) ?? []
    const place = [...path, key].join('.')
    const text = comments.get(place)
    if (comments.delete(place)) lines.push(`${indent}/** ${text.replaceAll('*/', '*\\/')} */`)
    if (line.endsWith('z.ZodObject<{')) path.push(key)
  }
}
