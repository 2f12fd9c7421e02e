/** Why an answer that was to be recorded is in no recording (docs/recording.md). The words stand in the log and in the metrics. */
export const recordingLosses = ['unwritable', 'tooLarge', 'redaction', 'internal'] as const

/** One of `recordingLosses`. */
export type RecordingLoss = (typeof recordingLosses)[number]
