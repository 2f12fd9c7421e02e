/** The fields of a valid request for images that the simulator reads. Null means absent, as on the service. */
export interface ImageRequest {
  readonly prompt: string
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  /** How many images; 1 for dall-e-3, up to 10 for the others. */
  readonly n?: number | null
  /** `<width>x<height>`, or `auto`; absent means `auto`, or 1024x1024 for dall-e-3. */
  readonly size?: string | null
  /** `standard` or `hd` for dall-e-3; `low`, `medium`, `high` or `auto` for the others. */
  readonly quality?: string | null
  /** dall-e-3 only; absent means `vivid`. */
  readonly style?: 'vivid' | 'natural' | null
  /** dall-e-3 only; absent means `url`. The others always give `b64_json`. */
  readonly response_format?: 'url' | 'b64_json' | null
  readonly background?: 'transparent' | 'opaque' | 'auto' | null
  readonly output_format?: 'png' | null
  readonly stream?: boolean | null
  /** Unfinished images on the way of a stream, 0 to 3. */
  readonly partial_images?: number | null
  readonly user?: string | null
}
