/**
 * The headers of a reply, in the order and case in which they go out: the service mixes cases, and clients that
 * compare captures see it. Names are found in any case. One flat list serves Node as it is.
 */
export class HeaderList {
  /** Names and values in turn. A name that stands twice is sent twice. */
  readonly raw: string[]

  constructor(raw: string[] = []) {
    this.raw = raw
  }

  /** The first value of a header; undefined when it is not there. */
  get(name: string): string | undefined {
    const index = this.#indexOf(name)
    return index < 0 ? undefined : this.raw[index + 1]
  }

  /** Replaces the first header of that name, which keeps its place and case, or adds one at the end. */
  set(name: string, value: string): void {
    const index = this.#indexOf(name)
    if (index < 0) this.raw.push(name, value)
    else this.raw[index + 1] = value
  }

  /**
   * Tells the length of a body, in bytes, unless it goes out in chunks: both at once are a broken answer (RFC 9112, 6.2),
   * which strict clients refuse.
   */
  setContentLength(length: number): void {
    const { raw } = this
    // Answers of the simulator keep a place for it, so that nothing has to be searched.
    if (raw[0] === 'Content-Length') raw[1] = String(length)
    else if (this.get('Transfer-Encoding') === undefined) this.set('Content-Length', String(length))
  }

  /** Adds a header at the end, beside others of its name. */
  append(name: string, value: string): void {
    this.raw.push(name, value)
  }

  /** Removes all headers of that name. */
  delete(name: string): void {
    for (let index = this.#indexOf(name); index >= 0; index = this.#indexOf(name)) this.raw.splice(index, 2)
  }

  /** Names and values, pair by pair. */
  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    const { raw } = this
    for (let index = 0; index < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? '']
  }

  #indexOf(name: string): number {
    const { raw } = this
    // Most names are asked for as they were written, and comparing those costs nothing.
    for (let index = 0; index < raw.length; index += 2) if (raw[index] === name) return index
    const wanted = name.toLowerCase()
    for (let index = 0; index < raw.length; index += 2) {
      const other = raw[index]
      if (other?.length === name.length && other.toLowerCase() === wanted) return index
    }
    return -1
  }
}
