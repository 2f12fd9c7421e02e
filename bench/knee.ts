/** What a step of the ramp saw. */
export interface RampStep {
  /** Requests a second. */
  readonly rate: number
  /** Share of a core that the simulator used. */
  readonly cpu: number
  readonly tokenP99Ms: number
  readonly wrong: number
}

/** A token that comes later than this, in the worst percent, is no longer paced. */
const mostLateMs = 50
const mostSteps = 14

/** Whether the simulator kept up with a step. */
function keptUp({ tokenP99Ms, wrong }: RampStep): boolean {
  return wrong === 0 && tokenP99Ms <= mostLateMs
}

/** The next step's rate: far on while there is much room, in small steps near the knee. */
function nextRate({ rate, cpu }: RampStep): number {
  return Math.round(rate * (cpu < 0.3 ? 2 : cpu < 0.6 ? 1.4 : 1.15))
}

/**
 * Raises the load until the simulator no longer keeps up, twice at the same rate, as one step may have met a busy moment
 * of the machine.
 *
 * @returns the highest rate that it kept up with
 * @throws when it keeps up with no rate, or with every one
 */
export async function findKnee(
  measure: (rate: number) => Promise<RampStep>,
  startRate: number,
): Promise<number> {
  let rate = startRate
  let knee: number | undefined
  for (let count = 0; count < mostSteps; count += 1) {
    const first = await measure(rate)
    const step = keptUp(first) ? first : await measure(rate)
    if (!keptUp(step)) {
      if (knee !== undefined) return knee
      throw new Error(
        `Could not find the knee: ${rate} requests a second are too many (p99 ${step.tokenP99Ms.toFixed(0)} ms late, ` +
          `${step.wrong} wrong). Is the machine busy? Give a rate with --rate.`,
      )
    }
    knee = rate
    rate = nextRate(step)
  }
  throw new Error(
    `Could not find the knee: still none at ${rate} requests a second. Give a rate with --rate.`,
  )
}
