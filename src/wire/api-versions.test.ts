import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  apiVersions,
  firstModelVersions,
  firstVersions,
  judgeApiVersion,
  tooOldForModel,
} from './api-versions.ts'
import { findModel } from './models/model-catalogue.ts'
import { operations, type Operation } from './route.ts'

const document = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8')

describe('the tables of docs/models.md', () => {
  it('have every operation with the version that brought it', () => {
    for (const [operation, version] of Object.entries(firstVersions)) {
      const { method, path } = operations[operation as Operation]
      expect(document).toMatch(
        new RegExp(`\\| \`${method} …/${path.replace(/[{}/]/g, '\\$&')}\` +\\| \`${version}\``),
      )
    }
  })

  it('have every model that needs a newer version', () => {
    for (const [name, version] of Object.entries(firstModelVersions)) {
      const shown = name.endsWith('-') ? `${name}*` : name
      expect(document).toContain(`| \`${shown}\``)
      expect(document.split('\n').find((line) => line.startsWith(`| \`${shown}\``))).toContain(
        `\`${version}\``,
      )
    }
  })

  it('have every version', () => {
    for (const version of apiVersions) expect(document).toContain(`\`${version}\``)
  })
})

describe('judgeApiVersion', () => {
  it.each([
    ['2024-10-21', 'chatCompletions', undefined],
    ['2022-12-01', 'embeddings', undefined],
    ['2022-12-01', 'chatCompletions', 'not-found'],
    ['2024-10-21', 'responses', 'not-found'],
    ['2025-03-01-preview', 'responses', undefined],
    [undefined, 'chatCompletions', 'not-found'],
    ['', 'chatCompletions', 'not-found'],
    ['latest', 'chatCompletions', 'not-found'],
    ['2024-10-21-beta', 'chatCompletions', 'not-found'],
    ['2024-10-22', 'chatCompletions', 'not-supported'],
    ['2024-10-21-preview', 'chatCompletions', 'not-supported'],
  ] as const)('judges %s for %s on a dated path as %s', (version, operation, fault) => {
    expect(judgeApiVersion(version, operation, true)).toBe(fault)
  })

  it.each([
    [undefined, undefined],
    ['preview', undefined],
    ['v1', undefined],
    ['latest', undefined],
    ['2024-10-21', 'not-supported'],
  ] as const)('judges %s on a v1 path as %s', (version, fault) => {
    expect(judgeApiVersion(version, 'responses', false)).toBe(fault)
  })
})

describe('tooOldForModel', () => {
  it.each([
    ['2024-10-21', 'o1', '2024-12-01-preview'],
    ['2024-12-01-preview', 'o1', undefined],
    ['2024-10-21', 'o1-preview', undefined],
    ['2024-08-01-preview', 'o1-mini', '2024-09-01-preview'],
    ['2025-03-01-preview', 'gpt-image-1-mini', '2025-04-01-preview'],
    ['2024-02-01', 'gpt-4.1-mini', undefined],
  ])('takes %s for %s to need %s', (version, name, first) => {
    expect(tooOldForModel(version, findModel(name)!)).toBe(first)
  })
})
