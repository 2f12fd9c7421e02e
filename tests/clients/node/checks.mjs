import assert from 'node:assert/strict'

/** The address and the key of the simulator that the programs call. */
export const url = process.env.SIMULATOR_URL ?? 'http://127.0.0.1:8000'
export const apiKey = process.env.SIMULATOR_API_KEY ?? 'secret'

/** Runs the checks in order and prints each. The first one that fails ends the program with exit code 1. */
export async function run(checks) {
  for (const [title, check] of Object.entries(checks)) {
    try {
      await check()
    } catch (error) {
      console.error(`failed: ${title}`)
      throw error
    }
    console.log(`ok: ${title}`)
  }
}

/** Collects an asynchronous iterable. */
export async function collect(events) {
  const all = []
  for await (const event of events) all.push(event)
  return all
}

export { assert }
