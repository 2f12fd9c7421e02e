import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageFolder } from '../support/built-program.ts'
import { readDashboard } from '../support/dashboard.ts'
import { exportEverything } from '../support/everything-exported.ts'

const guide = readFileSync(join(packageFolder, 'docs/monitoring.md'), 'utf8')

/** The first cells of the table with this header. */
function firstCells(head: string): string[] {
  const table = new RegExp(`^\\| ${head} +\\|.*\\n\\|[-| ]+\\n((?:\\|.*\\n)+)`, 'm').exec(guide)?.[1] ?? ''
  return table
    .trim()
    .split('\n')
    .map((line) => line.split(' | ')[0]?.replace(/^\| /, '').trim() ?? '')
}

describe('docs/monitoring.md', () => {
  it('lists each metric of a simulator with its labels, and no other', async () => {
    const { families, samples } = await exportEverything()
    const own = [...families].filter((family) => family.startsWith('aoai_'))
    const rows = firstCells('metric').map((cell) => {
      const labels = /\{([\w,]+)\}/.exec(cell)?.[1]?.split(',') ?? []
      const [first = '', ...others] = [...cell.matchAll(/`([\w.*]+)/g)].map(([, name = '']) => name)
      // Only the first name of a family is complete.
      const isNamed = (family: string): boolean =>
        family === first || others.some((other) => family.endsWith(other.replace('...', '')))
      return { cell, labels, isNamed: first.startsWith('aoai_') ? isNamed : () => false }
    })
    expect(own.filter((family) => !rows.some(({ isNamed }) => isNamed(family)))).toEqual([])
    const stale = rows.filter(({ cell, isNamed }) => cell.includes('aoai_') && !own.some(isNamed))
    expect(stale).toEqual([])

    const exported = own.map((family) => {
      const sample = samples.find(({ name }) => name.replace(/_(bucket|sum|count)$/, '') === family)
      return [family, Object.keys(sample?.labels ?? {}).filter((label) => label !== 'le')]
    })
    const documented = own.map((family) => [family, rows.find(({ isNamed }) => isNamed(family))?.labels])
    expect(documented).toEqual(exported)
  })

  it('lists each dashboard row in order', () => {
    const rows = readDashboard().panels.filter(({ type }) => type === 'row')
    expect(firstCells('row')).toEqual(rows.map(({ title }) => title))
  })

  it('lists each alert in order', () => {
    const { groups } = parse(readFileSync(join(packageFolder, 'infra/prometheus/alerts.yml'), 'utf8')) as {
      groups: { rules: { alert: string }[] }[]
    }
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => `\`${alert}\``))
    expect(firstCells('alert')).toEqual(alerts)
  })
})
