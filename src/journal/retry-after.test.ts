import { expect, it } from 'vitest'
import { HeaderList } from '../pipeline/reply.ts'
import { readRetryAfterMs } from './observe-calls.ts'

const now = Date.UTC(2026, 0, 1)

it.each([
  [['retry-after-ms', '1250', 'retry-after', '2'], 1_250],
  [['retry-after-ms', '0', 'retry-after', '1'], 0],
  [['retry-after-ms', '5000', 'retry-after', '1'], 1_000],
  [['Retry-After', '1.5'], 1_500],
  [['retry-after', 'Thu, 01 Jan 2026 00:00:20 GMT'], 20_000],
  [['retry-after', 'Wed, 31 Dec 2025 00:00:00 GMT'], 0],
  [['retry-after', 'soon'], undefined],
  [['retry-after-ms', '-1'], undefined],
  [[], undefined],
])('readRetryAfterMs reads from %j a wait of %s ms', (raw, waitMs) => {
  expect(readRetryAfterMs(new HeaderList([...raw]), now)).toBe(waitMs)
})
