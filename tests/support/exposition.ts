/** One line of Prometheus's text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** What a process exports: the lines, and the names of all families, those without a line included. */
export interface Exposition {
  readonly samples: readonly Sample[]
  readonly families: ReadonlySet<string>
}

/** A metric that a query names, with the conditions on its labels. */
export interface Selector {
  readonly name: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** Labels that Prometheus adds to what it scrapes. */
const scrapeLabels = new Set(['job', 'instance'])

/** Reads Prometheus's text format. */
export function parseExposition(text: string): Exposition {
  const lines = text.split('\n')
  const families = lines.flatMap((line) => /^# TYPE (\w+)/.exec(line)?.[1] ?? [])
  const samples = lines.flatMap((line): Sample[] => {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels: Object.fromEntries(pairsOf(labels)) }]
  })
  return { samples, families: new Set(families) }
}

/** The metrics that a query in PromQL names. */
export function selectorsOf(query: string): Selector[] {
  const named = /\b(up|(?:aoai|process|nodejs)_\w+)(?:\{((?:[^"}]|"[^"]*")*)\})?/g
  return [...query.matchAll(named)].map(([, name = '', matchers = '']) => ({
    name,
    matchers: [...matchers.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
      ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
    ),
  }))
}

/** The labels that a query groups by. */
export function groupLabelsOf(query: string): string[] {
  return [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/\s*,\s*/))
}

/** Whether there is a line that a query means; labels of the scrape count as there. */
export function hasSample({ samples }: Exposition, { name, matchers }: Selector): boolean {
  return samples.some(
    (sample) =>
      sample.name === name &&
      matchers.every(({ label, operator, value }) => {
        if (scrapeLabels.has(label)) return true
        const actual = sample.labels[label] ?? ''
        const isEqual = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
        return operator.startsWith('!') ? !isEqual : isEqual
      }),
  )
}

/** Whether the lines of a metric have a label, or will have it once they are scraped. */
export function hasLabel({ samples }: Exposition, name: string, label: string): boolean {
  if (scrapeLabels.has(label)) return true
  return samples.some((sample) => sample.name === name && label in sample.labels)
}

function pairsOf(labels: string): [string, string][] {
  return [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value])
}
