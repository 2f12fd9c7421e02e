/**
 * Turns each process warning of a test process (a listener leak, a deprecation, a TLS check that is off) into an
 * uncaught error, which fails the run. Vitest does so itself for promises that reject unhandled.
 */
function failOnWarning(warning: Error): void {
  throw warning
}

// Several files of tests may share a process, and this is run before each of them.
const isSet = process.listeners('warning').some(({ name }) => name === failOnWarning.name)
if (!isSet) process.on('warning', failOnWarning)
