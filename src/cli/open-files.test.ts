import { describe, expect, it } from 'vitest'
import { openFilesProblem } from './process-signals.ts'

describe('limit of open files', () => {
  it('is a problem below 256, with advice to raise it', () => {
    expect(openFilesProblem(192)).toBe(
      'Could not start: the limit of open files must be at least 256 (got 192). Raise it (ulimit -n 4096, or --ulimit nofile=4096 for a container).',
    )
  })

  it.each([256, 1_024, Infinity])('is no problem at %d', (allowed) => {
    expect(openFilesProblem(allowed)).toBeUndefined()
  })

  it('is no problem in this process', () => {
    expect(openFilesProblem()).toBeUndefined()
  })
})
