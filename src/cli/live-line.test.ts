import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { LiveLine, terminalOf } from './live-line.ts'

const parts = ['load 7/25 s', '31 sent', '18 ok', '0 429', '0 failed', 'whole p50 3,410 ms']

class FakeTerminal extends EventEmitter {
  readonly isTTY = true as const
  columns: number | undefined
  written = ''

  constructor(columns?: number) {
    super()
    this.columns = columns
  }

  write(text: string): void {
    this.written += text
  }

  /** What the last write left on the screen. */
  get shown(): string {
    return this.written.split('\u001b[2K').at(-1)?.replace(/\r$/, '') ?? ''
  }
}

describe('live line', () => {
  it.each([
    [100, 'load 7/25 s  31 sent  18 ok  0 429  0 failed  whole p50 3,410 ms'],
    [60, 'load 7/25 s  31 sent  18 ok  0 429  0 failed'],
    [45, 'load 7/25 s  31 sent  18 ok  0 429  0 failed'],
    [44, 'load 7/25 s  31 sent  18 ok  0 429'],
    [5, 'load'],
    [1, ''],
  ])('shows the parts that fit into %i columns less one', (columns, shown) => {
    const terminal = new FakeTerminal(columns)
    new LiveLine(terminal).show(parts)
    expect(terminal.shown).toBe(shown)
  })

  it.each([undefined, 0])('assumes 80 columns if the terminal reports %s', (columns) => {
    const terminal = new FakeTerminal(columns)
    new LiveLine(terminal).show(['x'.repeat(200)])
    expect(terminal.shown).toBe('x'.repeat(79))
  })

  it('is drawn again at a resize, and erases all rows that it was wrapped into', () => {
    const terminal = new FakeTerminal(100)
    new LiveLine(terminal).show(parts)
    terminal.written = ''
    terminal.columns = 30
    terminal.emit('resize')
    expect(terminal.written).toBe('\u001b[J\r\u001b[2Kload 7/25 s  31 sent  18 ok\r')
  })

  it('is erased at its end, and no longer drawn at a resize', () => {
    const terminal = new FakeTerminal(100)
    const line = new LiveLine(terminal)
    line.show(parts)
    line.end()
    terminal.emit('resize')
    expect(terminal.shown).toBe('')
  })

  it('needs a terminal, not a pipe', () => {
    expect(terminalOf({ write: () => {} })).toBeUndefined()
  })
})
