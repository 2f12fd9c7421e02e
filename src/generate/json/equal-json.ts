import { isRecord } from '../../lib/record.ts'
import { type Budget, drawLimits } from './budget.ts'

/** Maximum values per comparison. Larger values are treated as different. */
const MAX_COMPARED = 2_000

/** Whether two JSON values are equal, independent of key order. */
export function equalJson(a: unknown, b: unknown, budget: Budget): boolean {
  let left = MAX_COMPARED
  const equal = (a: unknown, b: unknown, depth: number): boolean => {
    if (a === b) return true
    if (--left < 0 || depth > 100) return false
    if (Array.isArray(a) && Array.isArray(b)) {
      budget.spend(1)
      return a.length === b.length && a.every((item, at) => equal(item, b[at], depth + 1))
    }
    if (!isRecord(a) || !isRecord(b)) return false
    const keys = Object.keys(a)
    const others = Object.keys(b)
    budget.spend((keys.length + others.length) >> 1)
    if (keys.length !== others.length) return false
    return keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key], depth + 1))
  }
  return equal(a, b, 0)
}

/** Whether a value of the client's schema (`enum`, `default`) is within the limits of a drawn value. */
export function isSmall(value: unknown, budget: Budget): boolean {
  let left: number = drawLimits.values
  const small = (value: unknown, depth: number): boolean => {
    if (--left < 0) return false
    if (typeof value !== 'object' || value === null) return true
    if (depth <= 0) return false
    if (Array.isArray(value) && value.length > left) return false
    const parts: unknown[] = Object.values(value)
    budget.spend(parts.length)
    return parts.length <= left && parts.every((item) => small(item, depth - 1))
  }
  return small(value, drawLimits.depth)
}

/** Whether a list contains a value. */
export function isListed(values: readonly unknown[], value: unknown, budget: Budget): boolean {
  budget.spend(values.length >> 6)
  if (typeof value !== 'object' || value === null) return values.includes(value)
  return values.some((one) => typeof one === 'object' && !budget.spent && equalJson(one, value, budget))
}
