/** Goes on with a value: at once where it is known, so that it costs no turn of promises, and else when it is. */
export function whenKnown<T, R>(value: T | Promise<T>, goOn: (known: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}
