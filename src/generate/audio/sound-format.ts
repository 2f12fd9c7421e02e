/** Samples a second of all speech; the rate of the service's `pcm`. */
export const SAMPLE_RATE = 24_000

/** Samples are mono, 16 bits, little-endian. */
export const BYTES_PER_SAMPLE = 2

/** Samples of one MP3 frame at this rate. Every format is made of whole frames, so that all have one duration. */
export const SAMPLES_PER_FRAME = 576

/** How long one frame sounds. */
export const FRAME_SECONDS = SAMPLES_PER_FRAME / SAMPLE_RATE
