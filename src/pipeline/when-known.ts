/** Goes on with a value: at once where it is known, so that it costs no turn of promises, and else when it is. */
export function whenKnown<T, R>(value: T | Promise<T>, goOn: (known: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}

/** Calls `ask`, and goes on with `rescue` where it throws, or gives a promise that is rejected. */
export function whenFailed<T>(
  ask: () => T | Promise<T>,
  rescue: (error: unknown) => T | Promise<T>,
): T | Promise<T> {
  try {
    const value = ask()
    return value instanceof Promise ? value.catch(rescue) : value
  } catch (error) {
    return rescue(error)
  }
}
