import { type SourceName, sourceNames } from '../../src/config/source-names.ts'
import type { Source } from '../../src/pipeline/stage.ts'

/** One source of each name, made by the test. */
export function everySource(make: (name: SourceName) => Source): Readonly<Record<SourceName, Source>> {
  return Object.fromEntries(sourceNames.map((name) => [name, make(name)])) as Record<SourceName, Source>
}
