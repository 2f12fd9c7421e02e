// Writes the description of each setting above it in the built declarations, so that editors show it for options and for
// the configuration. In the source it stands once, beside the check of the setting.
import { readFileSync, writeFileSync } from 'node:fs'
import { settingsTable } from '../dist/config/settings-table.js'

const file = new URL('../dist/config/settings-schema.d.ts', import.meta.url)
const comments = new Map(settingsTable().map((setting) => [setting.path.join('.'), commentOf(setting)]))
const path = []
let isInside = false

const lines = readFileSync(file, 'utf8')
  .split('\n')
  .flatMap((line) => {
    if (line.startsWith('export declare const settingsSchema: z.ZodObject<{')) isInside = true
    else if (/^ *}, z\.core\.\$strict>;$/.test(line)) isInside = path.pop() !== undefined
    else if (isInside) {
      const [, indent = '', key = ''] = /^( +)(\w+): /.exec(line) ?? []
      path.push(key)
      if (line.endsWith('z.ZodObject<{')) return [line]
      const place = path.join('.')
      path.pop()
      const comment = comments.get(place)
      if (comments.delete(place)) return [`${indent}/** ${comment} */`, line]
    }
    return [line]
  })

if (comments.size > 0) {
  throw new Error(
    `Could not describe ${[...comments.keys()].join(', ')}: ${file.pathname} does not have them`,
  )
}
writeFileSync(file, lines.join('\n'))

function commentOf({ description, range, unit, env }) {
  const facts = [range, unit, `the variable ${env}`].filter((fact) => fact !== undefined)
  return `${description} (${facts.join('; ')})`.replaceAll('*/', '*\\/')
}
