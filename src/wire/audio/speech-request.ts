/** The containers and codecs that the simulator makes; the service knows three more. */
export type SpeechFormat = 'mp3' | 'wav' | 'pcm'

/** The fields of a valid request for speech that the simulator reads. Null means absent. */
export interface SpeechRequest {
  /** At most 4,096 characters. */
  readonly input: string
  readonly voice: string
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  /** Absent means `mp3`. */
  readonly response_format?: SpeechFormat | null
  /** 0.25 to 4; absent means 1. */
  readonly speed?: number | null
  readonly instructions?: string | null
  /** `sse` sends the audio in events; absent means `audio`. */
  readonly stream_format?: 'audio' | 'sse' | null
}
