/**
 * Parts the bytes of a body that is interrupted: there is always something left to come, and something to begin with
 * where the body has two bytes.
 */
export function splitAtFraction(content: Buffer, share: number | 'head'): [first: Buffer, rest: Buffer] {
  const wanted = share === 'head' ? 0 : Math.floor(content.length * share)
  const at = Math.max(0, Math.min(content.length - 1, Math.max(1, wanted)))
  return [content.subarray(0, at), content.subarray(at)]
}
