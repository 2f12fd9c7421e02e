/** Samples a second of all speech; the rate of the service's `pcm`. */
export const sampleRate = 24_000

/** Samples are mono, 16 bits, little-endian. */
export const bytesPerSample = 2

/** Samples of one MP3 frame at this rate. Every format is made of whole frames, so that all have one duration. */
export const samplesPerFrame = 576

/** How long one frame sounds. */
export const frameSeconds = samplesPerFrame / sampleRate
