/**
 * Turns each process warning of a test process (a listener leak, a deprecation, a TLS check that is off) into an
 * error that nobody catches, which fails the run. Vitest does so itself for promises that reject unhandled.
 */
process.on('warning', (warning) => {
  throw warning
})
