import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { limitProfileNames } from '../config/deployments.ts'
import { limitProfile } from './limit-plan.ts'

const guide = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8')
const yesNo = (value: boolean): string => (value ? 'yes' : 'no')

it.each(limitProfileNames)('docs/limits.md has the rules of %s', (name) => {
  const { estimate, correctsEstimate, sendsLimit, resetUnit, requestsPer, showsOveruse } = limitProfile(name)
  const row = guide.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? ''
  const cells = row.split('|').map((cell) => cell.trim())
  expect(cells.slice(2, -1)).toEqual([
    yesNo(estimate.countsPrompt),
    String(estimate.charsBetweenMessages),
    String(estimate.overheadTokens),
    String(estimate.defaultMaxTokens),
    yesNo(correctsEstimate),
    yesNo(sendsLimit),
    resetUnit,
    `a ${requestsPer}`,
    yesNo(showsOveruse),
  ])
})
