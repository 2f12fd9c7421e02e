/** A worker that is busy for longer is not waited for. */
const PATIENCE_MS = 2_000

/** Gives what another process answers; undefined where it fails or takes more than two seconds. */
export function answerInTime<T>(answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
    const end = (value: T | undefined): void => {
      clearTimeout(timer)
      resolve(value)
    }
    answer.then(end, () => end(undefined))
  })
}
