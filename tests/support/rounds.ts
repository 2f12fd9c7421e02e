const factor = Number(process.env['TEST_ROUNDS'] ?? 1)

/** How many rounds a test with random inputs makes: the usual number, times the variable TEST_ROUNDS. */
export function rounds(usual: number): number {
  return Math.ceil(usual * factor)
}
