/** A message of protobuf without its schema: what each field number holds, in order. */
type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>

/** The attributes of a resource, a span or a point, as text. */
export type ReadAttributes = Readonly<Record<string, string>>

/** One point of an exported histogram. */
export interface ReadPoint {
  readonly metric: string
  readonly unit: string
  readonly attributes: ReadAttributes
  readonly count: number
  readonly sum: number
  readonly bounds: readonly number[]
  readonly resource: ReadAttributes
}

/** An exported span; ids in hexadecimal digits, times in milliseconds. */
export interface ReadSpan {
  readonly name: string
  readonly traceId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly kind: number
  readonly statusCode: number
  readonly startMs: number
  readonly endMs: number
  readonly attributes: ReadAttributes
  readonly resource: ReadAttributes
}

/** Reads the histograms of an `ExportMetricsServiceRequest` (opentelemetry-proto, metrics.proto). */
export function readPoints(body: Buffer): ReadPoint[] {
  return messages(read(body), 1).flatMap((resourceMetrics) => {
    const resource = resourceOf(resourceMetrics)
    return messages(resourceMetrics, 2)
      .flatMap((scope) => messages(scope, 2))
      .flatMap((metric) =>
        messages(metric, 9)
          .flatMap((histogram) => messages(histogram, 1))
          .map((point) => ({
            metric: text(metric, 1),
            unit: text(metric, 3),
            attributes: attributes(point, 9),
            count: Number(bytes(point, 4).readBigUInt64LE()),
            sum: bytes(point, 5).readDoubleLE(),
            bounds: doubles(bytes(point, 7)),
            resource,
          })),
      )
  })
}

/** Reads the spans of an `ExportTraceServiceRequest` (trace.proto). */
export function readSpans(body: Buffer): ReadSpan[] {
  return messages(read(body), 1).flatMap((resourceSpans) => {
    const resource = resourceOf(resourceSpans)
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(scope, 2))
      .map((span) => ({
        name: text(span, 5),
        traceId: bytes(span, 1).toString('hex'),
        parentSpanId: bytes(span, 4).toString('hex'),
        traceState: text(span, 3),
        kind: Number(span.get(6)?.[0] ?? 0),
        statusCode: Number(messages(span, 15)[0]?.get(3)?.[0] ?? 0),
        startMs: Number(bytes(span, 7).readBigUInt64LE()) / 1e6,
        endMs: Number(bytes(span, 8).readBigUInt64LE()) / 1e6,
        attributes: attributes(span, 9),
        resource,
      }))
  })
}

function resourceOf(message: Fields): ReadAttributes {
  const [resource] = messages(message, 1)
  return resource ? attributes(resource, 1) : {}
}

function attributes(message: Fields, field: number): ReadAttributes {
  const pairs = messages(message, field).map((pair) => [text(pair, 1), valueOf(messages(pair, 2)[0])])
  return Object.fromEntries(pairs) as Record<string, string>
}

function valueOf(value: Fields | undefined): string {
  if (value?.has(1)) return text(value, 1)
  if (value?.has(4)) return String(bytes(value, 4).readDoubleLE())
  return String(value?.get(3)?.[0] ?? value?.get(2)?.[0])
}

function messages(message: Fields, field: number): Fields[] {
  return (message.get(field) ?? []).filter((part) => Buffer.isBuffer(part)).map(read)
}

function bytes(message: Fields, field: number): Buffer {
  const [first] = message.get(field) ?? []
  return Buffer.isBuffer(first) ? first : Buffer.alloc(0)
}

function text(message: Fields, field: number): string {
  return bytes(message, field).toString('utf8')
}

function doubles(packed: Buffer): number[] {
  return Array.from({ length: packed.length / 8 }, (_, index) => packed.readDoubleLE(index * 8))
}

function read(buffer: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => buffer.subarray(at, (at += length))
  while (at < buffer.length) {
    const tag = Number(varint())
    const wireType = tag & 7
    const value = wireType === 0 ? varint() : take(wireType === 1 ? 8 : wireType === 5 ? 4 : Number(varint()))
    const values = fields.get(tag >> 3) ?? []
    fields.set(tag >> 3, [...values, value])
  }
  return fields
}
