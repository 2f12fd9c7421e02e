import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  apiVersions,
  firstModelVersions,
  firstVersions,
  apiVersionFault,
  requiredNewerVersion,
} from './api-versions.ts'
import { argumentGates, featureGates } from './feature-gates.ts'
import { findModel } from './models/model-catalogue.ts'
import { operations, type Operation } from './route.ts'

const [, document = ''] = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8').split(
  '## API versions',
)

describe('tables in docs/models.md', () => {
  it('list every operation with its first version', () => {
    for (const [operation, version] of Object.entries(firstVersions)) {
      const { method, path } = operations[operation as Operation]
      expect(document).toMatch(
        new RegExp(`\\| \`${method} …/${path.replace(/[{}/]/g, '\\$&')}\` +\\| \`${version}\``),
      )
    }
  })

  it('list every model that needs a newer version', () => {
    for (const [name, version] of Object.entries(firstModelVersions)) {
      const shown = name.endsWith('-') ? `${name}*` : name
      expect(document).toContain(`| \`${shown}\``)
      expect(document.split('\n').find((line) => line.startsWith(`| \`${shown}\``))).toContain(
        `\`${version}\``,
      )
    }
  })

  it('list every feature that needs a newer version', () => {
    for (const { feature, first } of featureGates) {
      expect(document.split('\n').find((line) => line.startsWith(`| ${feature} `))).toContain(`\`${first}\``)
    }
  })

  it('list every argument that needs a newer version', () => {
    for (const { name, first } of argumentGates) {
      expect(
        document.split('\n').find((line) => line.includes(`\`${name}\``) && line.startsWith('| `')),
      ).toContain(`\`${first}\``)
    }
  })

  it('list every version', () => {
    for (const version of apiVersions) expect(document).toContain(`\`${version}\``)
  })
})

describe('apiVersionFault', () => {
  it.each([
    ['2024-10-21', 'chatCompletions', undefined],
    ['2022-12-01', 'embeddings', undefined],
    ['2022-12-01', 'chatCompletions', 'not-found'],
    ['2024-10-21', 'responses', undefined],
    ['2023-09-01-preview', 'imageGenerations', 'not-found'],
    ['2025-03-01-preview', 'responses', undefined],
    [undefined, 'chatCompletions', 'not-found'],
    ['', 'chatCompletions', 'not-found'],
    ['latest', 'chatCompletions', 'not-found'],
    ['2024-10-21-beta', 'chatCompletions', 'not-found'],
    ['2024-10-22', 'chatCompletions', 'not-supported'],
    ['2024-10-21-preview', 'chatCompletions', 'not-supported'],
  ] as const)('reports %s for %s on a dated path as %s', (version, operation, fault) => {
    expect(apiVersionFault(version, { operation, dated: true })).toBe(fault)
  })

  it.each([
    [undefined, undefined],
    ['preview', undefined],
    ['v1', undefined],
    ['latest', undefined],
    ['2024-10-21', 'not-supported'],
  ] as const)('reports %s on a v1 path as %s', (version, fault) => {
    expect(apiVersionFault(version, { operation: 'responses', dated: false })).toBe(fault)
  })

  it.each([
    ['2024-05-01-preview', undefined],
    ['2025-04-01', undefined],
    ['2025-03-01-preview', undefined],
    [undefined, 'not-found'],
    ['preview', 'not-found'],
    ['2024-04-01-preview', 'not-supported'],
    ['2030-01-01', 'not-supported'],
  ] as const)('reports %s on a path of the model inference API as %s', (version, fault) => {
    const route = { operation: 'chatCompletions', dated: false, isInference: true } as const
    expect(apiVersionFault(version, route)).toBe(fault)
  })
})

describe('requiredNewerVersion', () => {
  it.each([
    ['2024-10-21', 'o1', '2024-12-01-preview'],
    ['2024-12-01-preview', 'o1', undefined],
    ['2024-10-21', 'o1-preview', undefined],
    ['2024-08-01-preview', 'o1-mini', '2024-09-01-preview'],
    ['2024-02-01', 'gpt-image-1', undefined],
    ['2024-02-01', 'gpt-4.1-mini', undefined],
  ])('with api-version %s and model %s returns %s', (version, name, first) => {
    expect(requiredNewerVersion(version, findModel(name)!)).toBe(first)
  })
})
