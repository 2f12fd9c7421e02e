import { availableParallelism } from 'node:os'
import type { Config } from '../../config/config.ts'

/** Marks the environment of a process that the program has started as a worker of itself. */
export const workerMark = 'AOAI_SIM_WORKER'

/** How many processes a configuration asks for. */
export function countWorkers({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}
