import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder } from './built-program.ts'

/** The folder of Prometheus's configuration. */
export const prometheusFolder = join(packageFolder, 'infra/prometheus')

/** A panel of the dashboard, as Grafana's JSON has it. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}

/** A choice at the top of the dashboard. */
export interface Variable {
  readonly name: string
  readonly definition?: string
  /** What it chooses from: a kind of data source, or a query. */
  readonly query: unknown
  readonly current?: { readonly value: unknown }
  /** Takes the options from the results of the query. */
  readonly regex?: string
}

/** The dashboard, as far as tests look at it. */
export interface Dashboard {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] }
  readonly templating: { readonly list: readonly Variable[] }
}

/** A query of the dashboard, and where it stands. */
export interface DashboardQuery {
  readonly title: string
  /** With Grafana's variables in it. */
  readonly expr: string
}

/** Reads the dashboard that Grafana is provisioned with. */
export function readDashboard(): Dashboard {
  const path = join(packageFolder, 'infra/grafana/dashboards/aoai-simulator.json')
  return JSON.parse(readFileSync(path, 'utf8')) as Dashboard
}

/** Every query of panels and annotations. */
export function dashboardQueries({ panels, annotations }: Dashboard): DashboardQuery[] {
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ title: name, expr })),
  ]
}

/** The query as Grafana asks it with everything selected. */
export function filledIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll(/\$(?:(?:instance|deployment|operation)\b|\{resource:pipe\})/g, '.*')
}
