/** Result of a step of the ramp. */
export interface RampStep {
  /** Requests per second. */
  readonly rate: number
  /** Share of a core used by the simulator. */
  readonly cpu: number
  readonly tokenP99Ms: number
  readonly wrong: number
}

/** Maximum lateness (p99) of tokens in milliseconds. */
const maxLateMs = 50
const maxSteps = 14

/** Whether the simulator kept up with the load of a step. */
function keptUp({ tokenP99Ms, wrong }: RampStep): boolean {
  return wrong === 0 && tokenP99Ms <= maxLateMs
}

/** Rate of the next step: large steps at low CPU use, small steps near the knee. */
function nextRate({ rate, cpu }: RampStep): number {
  return Math.round(rate * (cpu < 0.3 ? 2 : cpu < 0.6 ? 1.4 : 1.15))
}

/**
 * Increases the load until the simulator does not keep up twice at the same rate. A single slow step can be caused by
 * a busy machine.
 *
 * @returns the highest rate that the simulator kept up with
 * @throws if the simulator keeps up with no rate, or with all of them
 */
export async function findKnee(
  measure: (rate: number) => Promise<RampStep>,
  startRate: number,
): Promise<number> {
  let rate = startRate
  let knee: number | undefined
  for (let count = 0; count < maxSteps; count += 1) {
    const first = await measure(rate)
    const step = keptUp(first) ? first : await measure(rate)
    if (!keptUp(step)) {
      if (knee !== undefined) return knee
      throw new Error(
        `Could not find the knee: ${rate} requests per second are too many (p99 ${step.tokenP99Ms.toFixed(0)} ms late, ` +
          `${step.wrong} wrong). Is the machine busy? Set a rate with --rate.`,
      )
    }
    knee = rate
    rate = nextRate(step)
  }
  throw new Error(
    `Could not find the knee: the simulator keeps up with ${knee} requests per second. Set a rate with --rate.`,
  )
}
