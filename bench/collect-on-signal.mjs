// Loaded into the simulator before its own code, with --expose-gc: SIGUSR2 collects all garbage, so that resident memory
// tells what is held, and not how long the last collection was ago, which may be a minute and 100 MB.
process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc() // What the first one's finalizers let go.
})
