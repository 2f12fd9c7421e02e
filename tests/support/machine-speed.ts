/** What a quiet core of the machine on which the limits were found needs for `referenceWork`, in milliseconds. */
const REFERENCE_MS = 3

/** Enough for one turn that no neighbour disturbs. */
const TURNS = 5

/**
 * The processor time of some work in milliseconds, at best of up to five turns. Where no turn stays below the limit,
 * a piece of work that is always the same is measured in between, and the time is converted to that of the machine on which the
 * limits were measured: a slow machine, or one with shared caches, fails no test.
 *
 * Limits are four times what is usual at least, and far below what the mistake would cost that they are to find.
 *
 * @param limitMs measuring ends as soon as a turn takes less
 * @param work gets the number of the turn, from 0, for work that is remembered otherwise
 */
export async function leastMs(limitMs: number, work: (turn: number) => unknown): Promise<number> {
  let leastOfWork = Infinity
  let leastOfReference = Infinity
  for (let turn = 0; turn < TURNS; turn++) {
    leastOfWork = Math.min(leastOfWork, await processorMs(() => work(turn)))
    if (leastOfWork < limitMs) return leastOfWork
    for (let times = 0; times < 3; times++) {
      leastOfReference = Math.min(leastOfReference, await processorMs(referenceWork))
    }
  }
  return leastOfWork / Math.max(1, leastOfReference / REFERENCE_MS)
}

/** Measures like `leastMs`, and returns also what the last turn returned: for work that is expensive to do once more. */
export async function leastMsAndResult<T>(
  limitMs: number,
  work: () => Promise<T>,
): Promise<{ readonly ms: number; readonly result: T }> {
  let last: Promise<T> | undefined
  const ms = await leastMs(limitMs, () => (last = work()))
  return { ms, result: await (last as Promise<T>) }
}

/** Not the time of a clock: that goes on while others have the processor. */
async function processorMs(work: () => unknown): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

/** Objects, texts and numbers, as the product handles them. */
function referenceWork(): number {
  let sum = 0
  for (let round = 0; round < 40; round++) {
    const items = Array.from({ length: 200 }, (_, index) => ({
      index,
      name: `name ${(index * 7_919) % 200}`,
    }))
    const copy = JSON.parse(JSON.stringify(items)) as typeof items
    copy.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name, index } of copy) sum = (sum * 31 + name.charCodeAt(name.length - 1) + index) | 0
  }
  return sum
}
