// Preloaded into the simulator with --expose-gc. SIGUSR2 runs a garbage collection, so that resident memory shows
// live objects. Without it, the last collection can be a minute and 100 MB ago.
process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc() // Collects objects that finalizers of the first collection released.
})
