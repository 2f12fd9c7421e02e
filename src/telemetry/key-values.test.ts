import { expect, it } from 'vitest'
import { parseKeyValues } from './open-exports.ts'

it('parseKeyValues reads escaped characters, and values with an equals sign', () => {
  expect(parseKeyValues(' a = 1 ,b=x%2Cy, key=abc==')).toEqual({ a: '1', b: 'x,y', key: 'abc==' })
})

it('parseKeyValues ignores invalid pairs, and keeps invalid escapes', () => {
  expect(parseKeyValues('lonely,=1,a=%zz')).toEqual({ a: '%zz' })
  expect(parseKeyValues(undefined)).toEqual({})
})
