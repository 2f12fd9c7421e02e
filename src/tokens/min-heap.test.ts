import { expect, it } from 'vitest'
import { createRandom } from '../lib/random.ts'
import { MinHeap } from './byte-pair-merge.ts'

it('MinHeap returns its numbers in ascending order', () => {
  const random = createRandom('heap')
  const numbers = Array.from({ length: 1_000 }, () => random.below(500))
  const heap = new MinHeap(numbers.length)
  for (const number of numbers) heap.push(number)
  const popped = numbers.map(() => heap.pop())
  expect(popped).toEqual([...numbers].sort((a, b) => a - b))
  expect(heap.pop()).toBeUndefined()
})
