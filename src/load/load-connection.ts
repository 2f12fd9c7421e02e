/** A connection that carries one request at a time. */
export interface LoadConnection {
  /** Sends a request; only when the connection is ready. */
  send(body: string): void
}

/** What a connection tells. All of it is called at the moment when it happens. */
export interface ConnectionEvents {
  /** A request may be sent. Told again after each answer and each new connection. */
  onReady(connection: LoadConnection): void
  /** The head of an answer came. Header names are in lower case. */
  onHead(connection: LoadConnection, status: number, headers: ReadonlyMap<string, string>): void
  onBody(connection: LoadConnection, text: string): void
  /** The answer is whole, as far as HTTP knows. */
  onEnd(connection: LoadConnection): void
  /** The connection is gone for now; it is ready again when it says so. */
  onAway(connection: LoadConnection): void
  /** The connection was lost with a request under way. Comes after `onAway`. */
  onBroken(connection: LoadConnection, reason: string): void
  /** No connection could be made; it is tried again. */
  onUnreachable(reason: string): void
}

/** Several connections to one address. */
export interface ConnectionPool {
  /** Ends all connections at once, and resolves when they are gone. */
  close(): Promise<void>
}
