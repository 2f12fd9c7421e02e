import { isRecord } from '../../lib/record.ts'
import { drawLimits, frugalFrom } from './draw-limits.ts'
import type { Budget } from './budget.ts'
import type { Drawing } from './drawing.ts'
import { mapOf, requiredOf, type SchemaObject } from './json-schema.ts'
import { dependenciesOf } from './object-parts.ts'
import { chance } from './random-picks.ts'

/** An optional property is there three times of four. */
const PRESENT = 3
const OUT_OF = 4

/** What an object is asked to be. */
export interface ObjectPlan {
  readonly least: number
  readonly most: number
  /** Optional properties only where `least` or another property needs them. */
  readonly frugal: boolean
}

/** Decides which of the properties that schemas name an object has, in the order of the schemas. */
export function planNames(
  { random, recursion, budget }: Drawing,
  facets: readonly SchemaObject[],
  { least, most, frugal }: ObjectPlan,
  schemasOf: (name: string) => readonly unknown[],
): { readonly names: readonly string[]; readonly required: ReadonlySet<string> } {
  const required = new Set(facets.flatMap(requiredOf))
  const forbidden = new Set(facets.flatMap((facet) => forbiddenNames(facet['not'])))
  const known = new Set(facets.flatMap((facet) => Object.keys(mapOf(facet, 'properties'))))
  budget.spend((known.size + required.size) * 2)
  const optional = [...known].filter((name) => !required.has(name) && !forbidden.has(name))
  const isUsable = (name: string): boolean =>
    schemasOf(name).every((schema) => recursion.of(schema, budget) < Infinity)

  const chosen = new Set(required)
  const room = Math.min(most, drawLimits.values)
  const usualRoom = Math.min(room, required.size + frugalFrom.values)
  for (const name of optional) {
    if (chosen.size >= usualRoom || !budget.spend(1)) break
    if (!frugal && chance(random, PRESENT, OUT_OF) && isUsable(name)) chosen.add(name)
  }
  for (const name of optional) {
    if (chosen.size >= Math.min(least, room) || !budget.spend(1)) break
    if (!chosen.has(name) && isUsable(name)) chosen.add(name)
  }
  addDependents(facets, chosen, required, budget)
  const listed = [...known].filter((name) => chosen.has(name))
  return { names: [...listed, ...[...chosen].filter((name) => !known.has(name))], required }
}

/** Adds what chosen properties need; what a required one needs is required. */
function addDependents(
  facets: readonly SchemaObject[],
  chosen: Set<string>,
  required: Set<string>,
  budget: Budget,
): void {
  const needs = facets
    .flatMap((facet) => dependenciesOf(facet, budget))
    .filter(({ names }) => names !== undefined)
  if (needs.length === 0) return
  const byName = new Map<string, unknown[]>()
  for (const { name, names } of needs) byName.set(name, [...(byName.get(name) ?? []), ...(names ?? [])])
  // A set's loop also reaches what is added on the way.
  for (const name of chosen) {
    if (chosen.size > drawLimits.values) break
    for (const needed of byName.get(name) ?? []) {
      if (typeof needed !== 'string') continue
      chosen.add(needed)
      required.add(needed)
    }
  }
}

/** The name that `not: { required: [name] }` forbids. */
function forbiddenNames(not: unknown): string[] {
  if (!isRecord(not)) return []
  const names = requiredOf(not)
  return names.length === 1 && Object.keys(not).length === 1 ? names : []
}
