import { crc32 } from 'node:zlib'
import type { Random } from '../../lib/random.ts'

const ID_PATTERN = /^audio_([0-9a-f]{24})([0-9a-f]{4})([0-9a-f]{4})$/
const MAX_TOKENS = 0xffff

/**
 * Creates the id of an audio answer: `audio_`, the time as in ids of the service, and random digits. The last digits contain the
 * tokens that the answer costs as a part of a later prompt, so that nothing is stored.
 */
export function createAudioId(createdSeconds: number, tokens: number, random: Random): string {
  const start = `${hex(createdSeconds, 8)}${hex(random.below(2 ** 32), 8)}${hex(random.below(2 ** 32), 8)}`
  const counted = hex(Math.min(tokens, MAX_TOKENS), 4)
  return `audio_${start}${counted}${checkDigits(start + counted)}`
}

/** The tokens of an earlier audio answer. 0 for ids that the simulator did not create. */
export function audioTokensOf(id: string): number {
  const [, start = '', counted = '', check = ''] = ID_PATTERN.exec(id) ?? []
  return check !== '' && checkDigits(start + counted) === check ? Number.parseInt(counted, 16) : 0
}

function checkDigits(digits: string): string {
  return hex(crc32(digits) & 0xffff, 4)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0').slice(-digits)
}
