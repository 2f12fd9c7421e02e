import { type Change, formatPath } from './diff.ts'

interface DiffViewProps {
  readonly label: string
  readonly changes: readonly Change[]
  /** Values longer than so many characters are cut. Default 2,000. */
  readonly maxLength?: number
}

/** Changed values: the old one, and the new one. */
export function DiffView({ label, changes, maxLength = 2_000 }: DiffViewProps) {
  const show = (value: unknown): string => {
    const text = JSON.stringify(value, undefined, 2) ?? ''
    return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  }
  return (
    <ul class="diff" aria-label={label}>
      {changes.map(({ path, before, after }) => (
        <li key={JSON.stringify(path)}>
          <span class="diff-path">{formatPath(path) || 'all'}</span>
          {before !== undefined && (
            <del>
              <span class="visually-hidden">before: </span>
              {show(before)}
            </del>
          )}
          {after !== undefined && (
            <ins>
              <span class="visually-hidden">after: </span>
              {show(after)}
            </ins>
          )}
        </li>
      ))}
    </ul>
  )
}
