import { describe, expect, it } from 'vitest'
import { findModel } from '../wire/models/model-catalogue.ts'
import { SeriesTable } from './series-table.ts'
import { testConfig } from '../../tests/support/test-config.ts'
import { testExchange } from '../../tests/support/test-exchange.ts'

const model = findModel('gpt-4o-mini')!
const deployment = { name: 'chat', model }
const names = ['one', 'two', 'three', 'four']
const config = testConfig(
  {},
  Object.fromEntries(names.map((name) => [name, { deployments: new Map([['chat', deployment]]) }])),
)

const setUp = (limits = { resources: 10, deployments: 10 }) => {
  const table = new SeriesTable(limits)
  const count = (resource: string, name = 'chat'): object => {
    const prefix = resource === 'default' ? '' : `/${resource}`
    const exchange = testExchange({ path: `${prefix}/openai/v1/chat/completions` }, { config })
    exchange.deployment = { name, model }
    const series = table.seriesOf(exchange)
    series.disconnects++
    return series.labels
  }
  const rows = () => Array.from(table, ({ labels, disconnects }) => ({ ...labels, disconnects }))
  return { table, count, rows }
}

const operation = 'chatCompletions'

describe('the series of resources', () => {
  it('have the label other above the limit, and the default resource has none', () => {
    const { count, rows } = setUp({ resources: 2, deployments: 10 })
    for (const name of [...names, 'default', ...names]) count(name)
    expect(rows()).toEqual([
      { resource: 'one', deployment: 'chat', operation, disconnects: 2 },
      { resource: 'two', deployment: 'chat', operation, disconnects: 2 },
      { resource: 'other', deployment: 'other', operation, disconnects: 4 },
      { deployment: 'chat', operation, disconnects: 1 },
    ])
  })

  it('are removed with their resource, which makes room for others', () => {
    const { table, count, rows } = setUp({ resources: 2, deployments: 2 })
    for (const name of ['one', 'two', 'three']) count(name)
    table.retainResources(new Set(['default', 'three', 'four']))
    expect(rows()).toEqual([{ resource: 'other', deployment: 'other', operation, disconnects: 1 }])
    expect(count('four')).toEqual({ resource: 'four', deployment: 'chat', operation })
  })

  it('have the label other for deployments above their limit, also for configured ones', () => {
    const { count } = setUp({ resources: 10, deployments: 2 })
    expect(['one', 'two', 'three', 'one'].map((name) => count(name))).toEqual([
      { resource: 'one', deployment: 'chat', operation },
      { resource: 'two', deployment: 'chat', operation },
      { resource: 'three', deployment: 'other', operation },
      { resource: 'one', deployment: 'chat', operation },
    ])
  })

  it('count unknown deployments again after their resource was removed', () => {
    const { table, count } = setUp({ resources: 10, deployments: 1_000 })
    for (let number = 0; number < 100; number++) count('one', `unknown-${number}`)
    expect(count('two', 'another')).toMatchObject({ deployment: 'other' })
    table.retainResources(new Set(['two']))
    expect(count('two', 'another')).toMatchObject({ deployment: 'another' })
  })
})
