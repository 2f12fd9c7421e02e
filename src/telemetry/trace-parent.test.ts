import { describe, expect, it } from 'vitest'
import { parseTraceParent } from './request-tracer.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

describe('parseTraceParent', () => {
  it('reads the place in the trace of the caller', () => {
    expect(parseTraceParent({ traceparent: `00-${trace}-${parent}-01`, tracestate: 'a=1,b=2' })).toEqual({
      traceId: trace,
      spanId: parent,
      traceFlags: 1,
      traceState: 'a=1,b=2',
    })
  })

  it('reads a later version that says more', () => {
    expect(parseTraceParent({ traceparent: `cc-${trace}-${parent}-00-what-comes` })).toMatchObject({
      traceId: trace,
      traceFlags: 0,
    })
  })

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a version that is forbidden', `ff-${trace}-${parent}-01`],
    ['a first version that says more', `00-${trace}-${parent}-01-more`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
    ['a parent of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${trace.toUpperCase()}-${parent}-01`],
    ['too few digits', `00-${trace.slice(1)}-${parent}-01`],
  ])('begins a new trace for %s', (_, traceparent) => {
    expect(parseTraceParent({ traceparent })).toBeUndefined()
  })

  it('passes over a tracestate that is longer than has to be passed on', () => {
    const place = parseTraceParent({
      traceparent: `00-${trace}-${parent}-01`,
      tracestate: `a=${'x'.repeat(600)}`,
    })
    expect(place?.traceState).toBeUndefined()
  })
})
