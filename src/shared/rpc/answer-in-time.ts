const ANSWER_TIMEOUT_MS = 2_000

/** Resolves to the answer of another process, or to undefined if it fails or takes more than two seconds. */
export function answerWithTimeout<T>(answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ANSWER_TIMEOUT_MS)
    const end = (value: T | undefined): void => {
      clearTimeout(timer)
      resolve(value)
    }
    answer.then(end, () => end(undefined))
  })
}
