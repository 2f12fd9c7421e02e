import { isRecord } from '../lib/record.ts'

/** Gives every key of a tree its form in files: `tokens_per_minute` becomes `tokensPerMinute`, and that stays as it is. */
export function camelKeys(tree: unknown): unknown {
  return renameKeys(tree, (key) =>
    key.replace(/(?<!_)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  )
}

/** Gives every key of a tree its form in the administration: `tokensPerMinute` becomes `tokens_per_minute`. */
export function snakeKeys(tree: unknown): unknown {
  return renameKeys(tree, snakeKey)
}

/** Gives one key its form in the administration. */
export function snakeKey(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function renameKeys(tree: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(tree)) return tree.map((item: unknown) => renameKeys(item, rename))
  if (!isRecord(tree)) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [rename(key), renameKeys(value, rename)]),
  )
}
