import type { VirtualClock } from '../../src/lib/virtual-clock.ts'

/**
 * Advances a virtual clock step by step until something has come, with real time between the steps: for answers that
 * wait for a socket before they wait for the clock.
 */
export async function advanceUntil<T>(
  clock: Pick<VirtualClock, 'advance'>,
  coming: Promise<T>,
  stepMs: number,
): Promise<T> {
  const state = { isOver: false }
  const end = (): void => void (state.isOver = true)
  coming.then(end, end)
  while (!state.isOver) {
    await clock.advance(stepMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return coming
}
