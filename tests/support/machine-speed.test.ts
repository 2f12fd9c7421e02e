import { describe, expect, it } from 'vitest'
import { leastMs } from './machine-speed.ts'

/** Uses so much processor time, whatever else the machine does. */
function burn(ms: number): void {
  const start = process.cpuUsage()
  while (process.cpuUsage(start).user < ms * 1_000);
}

describe('leastMs', () => {
  it('measures once what stays below the limit', async () => {
    const turns: number[] = []
    expect(await leastMs(1_000, (turn) => turns.push(turn))).toBeLessThan(1_000)
    expect(turns).toEqual([0])
  })

  it('measures several times what does not, and tells the least', async () => {
    const turns: number[] = []
    const ms = await leastMs(5, (turn) => {
      turns.push(turn)
      if (turn < 2) burn(50)
    })
    expect(turns.slice(0, 3)).toEqual([0, 1, 2])
    expect(ms).toBeLessThan(50)
  })

  it('finds work that takes many times too long, on a busy machine too', async () => {
    const items = Array.from({ length: 5_000 }, (_, index) => index)
    const quadratic = (): number => items.filter((item) => items.lastIndexOf(item) === item).length
    expect(await leastMs(1, quadratic)).toBeGreaterThan(1)
  })
})
