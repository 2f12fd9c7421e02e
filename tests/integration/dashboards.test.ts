import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageFolder } from '../support/built-program.ts'
import {
  dashboardQueries,
  type DashboardQuery,
  filledIn,
  type Panel,
  readDashboard,
} from '../support/dashboard.ts'
import { exportEverything, renderEverything } from '../support/everything-exported.ts'
import { type Exposition, groupLabelsOf, hasLabel, hasSample, selectorsOf } from '../support/exposition.ts'
import { checkMetrics, promtool, promtoolNeed } from '../support/promtool.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface ComposeFile {
  readonly services: Readonly<Record<string, { readonly volumes?: readonly string[] }>>
}

const readYaml = (path: string): unknown => parse(readFileSync(join(packageFolder, path), 'utf8'))

const dashboard = readDashboard()
const { groups } = readYaml('infra/prometheus/alerts.yml') as {
  groups: { name: string; rules: Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const queries: readonly DashboardQuery[] = [
  ...dashboardQueries(dashboard).map(({ title, expr }) => ({ title, expr: filledIn(expr) })),
  ...rules.map(({ alert, expr }) => ({ title: alert, expr })),
]

/** Unit ids of @grafana/data 12.1.1 (valueFormats/categories) that the panels use. */
const grafanaUnits = new Set(['short', 'reqps', 'cps', 's', 'percentunit', 'bytes'])

describe('the metrics', () => {
  it.skipIf(promtoolNeed.isMissing)(
    `keep the conventions that promtool checks${promtoolNeed.note}`,
    async () => {
      const { text, shared } = await renderEverything()
      expect(text).toContain('aoai_simulator_event_loop_lag_seconds{')
      for (const exposition of [text, shared]) expect(() => checkMetrics(exposition)).not.toThrow()
      expect(() => checkMetrics('# TYPE a gauge\na{quantile="1"} 1\n')).toThrow('quantile')
    },
  )
})

describe('the dashboard and the alerts', () => {
  let exported: Exposition
  beforeAll(async () => {
    exported = await exportEverything()
  })

  it('query only metrics that a simulator exports', () => {
    const suffix = /_(bucket|sum|count)$/
    const missing = queries.flatMap(({ title: panel, expr }) =>
      selectorsOf(expr)
        .filter(({ name }) => name !== 'up')
        .filter(
          ({ name }) => !exported.families.has(name) && !exported.families.has(name.replace(suffix, '')),
        )
        .map(({ name }) => `${panel}: ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('select only labels and values that are exported', () => {
    const empty = queries.flatMap(({ title: panel, expr }) =>
      selectorsOf(expr)
        .filter((selector) => selector.name.startsWith('aoai_') && !hasSample(exported, selector))
        .map((selector) => `${panel}: ${JSON.stringify(selector)}`),
    )
    expect(empty).toEqual([])
  })

  it('group only by labels that are exported', () => {
    const missing = queries.flatMap(({ title: panel, expr }) => {
      const names = selectorsOf(expr).map(({ name }) => name)
      // The kinds of garbage collection depend on how long a process has run.
      if (names.some((name) => name.startsWith('nodejs_gc'))) return []
      return groupLabelsOf(expr)
        .filter((label) => !names.some((name) => hasLabel(exported, name, label)))
        .map((label) => `${panel}: ${label}`)
    })
    expect(missing).toEqual([])
  })

  it('use every metric of the simulator', () => {
    const named = new Set(queries.flatMap(({ expr }) => selectorsOf(expr).map(({ name }) => name)))
    const unused = [...exported.families].filter(
      (family) => family.startsWith('aoai_') && ![...named].some((name) => name.startsWith(family)),
    )
    expect(unused).toEqual([])
  })

  it.skipIf(promtoolNeed.isMissing)(`have only PromQL that promtool accepts${promtoolNeed.note}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'promql-'))
    const rulesOf = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }))
    const file = join(folder, 'queries.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: rulesOf }] }))
    try {
      expect(promtool('check', 'rules', file)).toContain(`${queries.length} rules found`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the dashboard', () => {
  const { panels } = dashboard

  it('has panels with unique ids that do not overlap, within a width of 24', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const outside = panels.filter(({ gridPos: { x, w } }) => x < 0 || w < 1 || x + w > 24)
    expect(outside.map((panel) => panel.title)).toEqual([])
    const overlaps = panels.flatMap((one, index) =>
      panels
        .slice(index + 1)
        .filter((other) => overlap(one.gridPos, other.gridPos))
        .map((other) => `${one.title} and ${other.title}`),
    )
    expect(overlaps).toEqual([])
  })

  it('has a description for each panel and a unique letter for each query', () => {
    const shown = panels.filter(({ type }) => type !== 'row')
    expect(shown.filter(({ description, targets }) => !description || !targets?.length)).toEqual([])
    for (const { targets = [] } of shown) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    }
  })

  it('uses the data source selected at the top, which defaults to the provisioned one', () => {
    const text = JSON.stringify(dashboard)
    const asked = new Set(
      [...text.matchAll(/"datasource":(\{[^{}]*\$\{\w+\}[^{}]*\}|[^{][^,]*)/g)].map(([, source]) => source),
    )
    expect(asked).toEqual(new Set(['{"type":"prometheus","uid":"${datasource}"}']))
    const { datasources } = readYaml('infra/grafana/provisioning/datasources/prometheus.yaml') as {
      datasources: { uid: string; type: string }[]
    }
    const chosen = dashboard.templating.list.find(({ name }) => name === 'datasource')
    expect(datasources).toMatchObject([{ uid: chosen?.current?.value, type: chosen?.query }])
    const scraped = readYaml('infra/prometheus/prometheus.yml') as { global: { scrape_interval: string } }
    expect(datasources).toMatchObject([{ jsonData: { timeInterval: scraped.global.scrape_interval } }])
  })

  it('has only units that Grafana supports', () => {
    const units = panels.flatMap(({ fieldConfig }) => fieldConfig?.defaults.unit ?? [])
    expect(units.length).toBe(panels.filter(({ type }) => type !== 'row').length)
    expect(units.filter((unit) => !grafanaUnits.has(unit))).toEqual([])
  })

  it('uses each of its variables and no other', () => {
    const used = new Set(
      [...JSON.stringify(dashboard).matchAll(/\$\{?(?!__)([a-z_]+)/g)].map(([, name]) => name),
    )
    expect(used).toEqual(new Set(dashboard.templating.list.map(({ name }) => name)))
  })
})

describe('the dashboard variable resource', () => {
  it('selects the series in every query of deployments, refused access and incidents', () => {
    const selectors = dashboardQueries(dashboard).flatMap(({ expr }) => selectorsOf(expr))
    const ofResources = selectors.filter(
      ({ name, matchers }) =>
        /^aoai_(?:deployment|access|incident|resource)_/.test(name) ||
        matchers.some(({ label }) => label === 'deployment'),
    )
    expect(ofResources.length).toBeGreaterThan(40)
    const unfiltered = ofResources.filter(
      ({ matchers }) => !matchers.some(({ value }) => value === '${resource:pipe}'),
    )
    expect(unfiltered).toEqual([])
  })
})

describe('a query of the dashboard or of an alert', () => {
  it('that shows deployments or incident phases separately also separates resources', () => {
    const groups = queries.flatMap(({ expr }) =>
      [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, labels = '']) => labels.split(', ')),
    )
    const ofParts = groups.filter((labels) => labels.includes('deployment') || labels.includes('phase'))
    expect(ofParts.length).toBeGreaterThan(20)
    expect(ofParts.filter((labels) => !labels.includes('resource'))).toEqual([])
  })
})

describe('the alerts', () => {
  it('have unique names, a severity and a description of what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { labels, annotations } of rules) {
      expect(['critical', 'warning', 'info']).toContain(labels.severity)
      expect(annotations.summary).not.toBe('')
      expect(annotations.description.length).toBeGreaterThan(60)
    }
  })

  it.skipIf(promtoolNeed.isMissing)(
    `are in a configuration that promtool accepts${promtoolNeed.note}`,
    () => {
      expect(promtool('check', 'config', 'prometheus.yml')).toContain(`${rules.length} rules found`)
    },
  )

  it.skipIf(promtoolNeed.isMissing)(`fire when they should and only then${promtoolNeed.note}`, () => {
    expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
  })
})

describe('infra/compose.yaml', () => {
  it('mounts only files that exist', () => {
    const { services } = readYaml('infra/compose.yaml') as ComposeFile
    const sources = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
      .filter((source) => source.startsWith('.'))
    expect(sources.length).toBeGreaterThan(0)
    expect(sources.filter((source) => !existsSync(resolve(packageFolder, 'infra', source)))).toEqual([])
  })

  it('starts the services that the configurations of Prometheus and Grafana refer to', () => {
    const { services } = readYaml('infra/compose.yaml') as ComposeFile
    const prometheus = JSON.stringify(readYaml('infra/prometheus/prometheus.yml'))
    const grafana = JSON.stringify(readYaml('infra/grafana/provisioning/datasources/prometheus.yaml'))
    expect(Object.keys(services)).toEqual(['simulator', 'prometheus', 'grafana'])
    expect(prometheus).toContain('"simulator:8000"')
    expect(grafana).toContain('http://prometheus:9090')
  })
})

function overlap(a: Panel['gridPos'], b: Panel['gridPos']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}
