import { deserialize, serialize } from 'node:v8'

/** A value with what JSON cannot carry (maps, infinity, bytes), for the few messages that have such; see `pack`. */
export type V8Serialized = string

/** Packs plain data; objects that stand in it twice stay one. */
export function serializeValue(value: unknown): V8Serialized {
  return serialize(value).toString('base64')
}

/** Gives back what was packed. Both ends are the same program, so that the caller knows its type. */
export function deserializeValue(packed: V8Serialized): unknown {
  return deserialize(Buffer.from(packed, 'base64'))
}
