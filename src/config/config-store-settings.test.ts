import { describe, expect, it } from 'vitest'
import { configStoreProblems, secretsOfStore, storeOf } from './config-store-settings.ts'

const host = 'https://acct.blob.core.windows.net'

describe('CONFIG_STORE', () => {
  it.each([
    ['file:changes.json', { kind: 'file', path: 'changes.json' }],
    ['file:///data/changes.json', { kind: 'file', path: '/data/changes.json' }],
    [
      `blob:${host}/container/changes.json`,
      { kind: 'blob', account: 'acct', container: 'container', address: `${host}/container/changes.json` },
    ],
    [`blob:${host}/container/a/b%20c.json`, { address: `${host}/container/a/b%20c.json` }],
    [`blob:${host}/$web/changes.json`, { container: '$web' }],
    ['blob:https://acct-secondary.blob.core.usgovcloudapi.net/c1/x', { account: 'acct-secondary' }],
    [
      'blob:http://127.0.0.1:10000/devstoreaccount1/container/name.json',
      {
        account: 'devstoreaccount1',
        container: 'container',
        address: 'http://127.0.0.1:10000/devstoreaccount1/container/name.json',
      },
    ],
    ['blob:http://azurite:10000/devstoreaccount1/c/x.json', { account: 'devstoreaccount1', container: 'c' }],
    ['blob:http://localhost/devstoreaccount1/c/x.json', { account: 'devstoreaccount1' }],
    ['blob:http://[::1]:10000/devstoreaccount1/c/x.json', { account: 'devstoreaccount1' }],
    [
      `blob:${host}/c/x.json?sv=2026&sp=rcw&sig=a%2Bb`,
      { address: `${host}/c/x.json`, sas: 'sv=2026&sp=rcw&sig=a%2Bb' },
    ],
  ])('%s is a store', (value, store) => {
    expect(storeOf(value)).toMatchObject(store)
  })

  it.each([
    '',
    'changes.json',
    'file:',
    'file:folder/',
    'blob:',
    'blob:changes.json',
    'blob:ftp://acct.blob.core.windows.net/c/x',
    `blob:${host}`,
    `blob:${host}/container`,
    `blob:${host}/container/`,
    `blob:${host}/container//x`,
    `blob:${host}/container/x/`,
    `blob:${host}/Container/x.json`,
    `blob:${host}/c/x.json?`.concat('comp=metadata'),
    `blob:${host}/c/x.json?snapshot=2026-01-01&sig=abc`,
    `blob:${host}/c/x.json#part`,
    `blob:${host}/c/x y.json`,
    'blob:https://user:password@acct.blob.core.windows.net/c/x.json',
    'blob:http://127.0.0.1:10000/devstoreaccount1/container',
  ])('%s is refused', (value) => {
    expect(storeOf(value)).toBeUndefined()
  })

  it('has its SAS, its signature and its key redacted', () => {
    const sas = 'sv=2026&sp=rcw&sig=c2VjcmV0%2Bc2ln'
    expect(secretsOfStore({ configStore: `blob:${host}/c/x.json?${sas}` })).toEqual([sas, 'c2VjcmV0+c2ln'])
    expect(secretsOfStore({ configStore: `blob:${host}/c/x.json`, configStoreKey: 'a2V5' })).toEqual(['a2V5'])
    expect(secretsOfStore({ configStore: 'file:x' })).toEqual([])
    expect(secretsOfStore({})).toEqual([])
  })

  it.each([
    [
      { configStore: 'file:x', configStoreKey: 'a2V5' },
      /CONFIG_STORE_KEY is set, but CONFIG_STORE is not a blob/,
    ],
    [{ configStoreCopy: 'off' }, /CONFIG_STORE_COPY is set, but CONFIG_STORE is not a blob/],
    [
      { configStore: `blob:${host}/c/x?sig=abc`, configStoreKey: 'a2V5' },
      /CONFIG_STORE has a SAS, and CONFIG_STORE_KEY is set as well/,
    ],
    [
      { configStore: 'blob:http://azurite/a12/c/x' },
      /CONFIG_STORE uses http, .* Use https, or set CONFIG_STORE_KEY/,
    ],
  ])('%o is refused', (values, problem) => {
    expect(configStoreProblems(values)).toEqual([expect.stringMatching(problem)])
  })

  it.each([
    {},
    { configStore: 'file:x' },
    { configStore: `blob:${host}/c/x`, configStoreCopy: 'off' },
    { configStore: 'blob:http://azurite/a12/c/x', configStoreKey: 'a2V5' },
    { configStore: 'blob:http://azurite/a12/c/x?sig=abc' },
  ])('%o is accepted', (values) => {
    expect(configStoreProblems(values)).toEqual([])
  })
})
