import { shortText } from '../lib/error-text.ts'
import type { Deployment } from './deployments.ts'
import { showValue } from './show-value.ts'

/**
 * What is wrong with the deployments that spill over, a sentence or two each: a provisioned deployment spills over to a
 * pay-as-you-go one that can do the same, and no further.
 */
export function spilloverProblems(deployments: readonly Deployment[]): string[] {
  const spilling = deployments.filter(({ spilloverTo }) => spilloverTo !== undefined)
  if (spilling.length === 0) return []
  const byName = new Map(deployments.map((deployment) => [deployment.name, deployment]))
  return spilling.flatMap(({ name, spilloverTo = '', provisionedThroughputUnits, model }) => {
    const place = `${JSON.stringify(shortText(name))}.spilloverTo`
    const got = `(got ${showValue(spilloverTo)})`
    const target = byName.get(spilloverTo)
    if (provisionedThroughputUnits === undefined) {
      return [`${place} goes with provisionedThroughputUnits ${got}. Set both, or none.`]
    }
    if (!target || target.provisionedThroughputUnits !== undefined) {
      return [`${place} must name a pay-as-you-go deployment of this file ${got}. Add one of that name.`]
    }
    if (model.operations.every((operation) => target.model.operations.includes(operation))) return []
    return [
      `${place} must name a deployment that can do what ${model.name} can ${got}. Give it the same model.`,
    ]
  })
}
