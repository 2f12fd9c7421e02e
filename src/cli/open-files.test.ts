import { expect, it } from 'vitest'
import { openFilesProblem } from './process-signals.ts'

it('tells how many files are needed, and how to allow more', () => {
  expect(openFilesProblem(192)).toMatch(
    /^Could not start: this process may have only 192 files open, and needs at least 256\. Raise the limit \(ulimit -n \d+;/,
  )
})

it.each([256, 1_024, Infinity])('finds nothing wrong with %d files', (allowed) => {
  expect(openFilesProblem(allowed)).toBeUndefined()
})

it('finds nothing wrong with this process', () => {
  expect(openFilesProblem()).toBeUndefined()
})
