/** Names of the eras of the service's limiter, by the month of the captures that show them. */
export const limitProfileNames = ['2024-02', '2024-10', '2025-08', '2026-03', '2026-08'] as const

/** The name of an era of the limiter. */
export type LimitProfileName = (typeof limitProfileNames)[number]
