import { describe, expect, it } from 'vitest'
import { changedFields, withFields } from './patch-fields.ts'
import { noChanges, type Patches, putEntry, withChanges } from './patches.ts'

const put = (patches: Patches, resource: string, name: string): Patches =>
  withChanges(patches, resource, putEntry(patches.resources?.[resource] ?? noChanges, name, { model: name }))

const three = ['one', 'two', 'three'].reduce<Patches>(
  (patches, name) => put(patches, name, 'chat'),
  noChanges,
)

describe('the fields of patches', () => {
  it('are those of the resource that has changed', () => {
    const next = put(three, 'two', 'more')
    expect(changedFields(three, next)).toEqual({
      set: { 'resources/two': next.resources?.['two'] },
      removed: [],
    })
    expect(changedFields(three, three)).toEqual({ set: {}, removed: [] })
    expect(changedFields(three, { ...three, patch: { region: 'West US' } })).toEqual({
      set: { patch: { region: 'West US' } },
      removed: [],
    })
  })

  it('include the removal of a resource, and of a member', () => {
    const { one: _, ...resources } = three.resources ?? {}
    const next: Patches = { ...three, resources, made: { one: null } }
    expect(changedFields(three, next)).toEqual({ set: { 'made/one': null }, removed: ['resources/one'] })
    expect(changedFields({ ...three, feedback: [] }, three)).toEqual({ set: {}, removed: ['feedback'] })
    expect(changedFields(three, noChanges).removed).toEqual([
      'resources/one',
      'resources/two',
      'resources/three',
    ])
  })

  it('include each upstream, also one that was removed', () => {
    const east = { endpoint: 'https://east', key: 'k' }
    const before: Patches = { ...three, upstreams: { east, west: null } }
    const next: Patches = { ...three, upstreams: { east: null, own: east } }
    const changes = changedFields(before, next)
    expect(changes).toEqual({
      set: { 'upstreams/east': null, 'upstreams/own': east },
      removed: ['upstreams/west'],
    })
    expect(withFields(before, changes)).toEqual(next)
  })

  it('change other patches in the same way, and leave unchanged values the same objects', () => {
    const next = put({ ...three, made: { one: null } }, 'two', 'more')
    const applied = withFields(three, changedFields(three, next))
    expect(applied).toEqual(next)
    expect(applied.resources?.['one']).toBe(three.resources?.['one'])
    expect(applied.put).toBe(three.put)
    expect(Object.keys(applied.resources ?? {})).toEqual(['one', 'two', 'three'])
    expect(withFields(next, changedFields(next, noChanges))).toEqual({
      ...noChanges,
      resources: {},
      made: {},
    })
    expect(three.resources?.['two']?.put).toEqual({ chat: { model: 'chat' } })
  })

  it('give the patches when all of them are set', () => {
    const patches: Patches = { ...three, keys: {}, tenants: { a: null as never }, feedback: [] }
    expect(withFields(noChanges, changedFields(undefined, patches))).toEqual(patches)
  })
})
