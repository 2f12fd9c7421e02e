import type { FilledTree } from './mapping-schema.ts'
import type { Settings } from './settings-schema.ts'

/** Where requests are forwarded to. The address has no slash at its end; the key is secret. */
export interface Upstream extends FilledTree<Settings['upstream']> {}

/** The recordings that record writes and replay reads. The path of the folder is absolute, and names are in lower case. */
export interface RecordingsConfig extends FilledTree<Settings['recordings']> {}

/** What makes two requests the same beside method, path and body. */
export type MatchConfig = RecordingsConfig['match']

/** How recordings are replayed. */
export type ReplayConfig = RecordingsConfig['replay']
