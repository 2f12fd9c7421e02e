import { describe, expect, it } from 'vitest'
import { parseTraceParent } from './request-tracer.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

describe('parseTraceParent', () => {
  it('reads the parent span in the trace of the client', () => {
    expect(parseTraceParent({ traceparent: `00-${trace}-${parent}-01`, tracestate: 'a=1,b=2' })).toEqual({
      traceId: trace,
      spanId: parent,
      traceFlags: 1,
      traceState: 'a=1,b=2',
    })
  })

  it('reads a later version with more fields', () => {
    expect(parseTraceParent({ traceparent: `cc-${trace}-${parent}-00-what-comes` })).toMatchObject({
      traceId: trace,
      traceFlags: 0,
    })
  })

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['an invalid version', `ff-${trace}-${parent}-01`],
    ['version 00 with more fields', `00-${trace}-${parent}-01-more`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
    ['a parent of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${trace.toUpperCase()}-${parent}-01`],
    ['too few digits', `00-${trace.slice(1)}-${parent}-01`],
  ])('is undefined for %s', (_, traceparent) => {
    expect(parseTraceParent({ traceparent })).toBeUndefined()
  })

  it('ignores a tracestate above the maximum length', () => {
    const traceParent = parseTraceParent({
      traceparent: `00-${trace}-${parent}-01`,
      tracestate: `a=${'x'.repeat(600)}`,
    })
    expect(traceParent?.traceState).toBeUndefined()
  })
})
