import * as z from 'zod'
import { missActions } from '../../config/recording-settings.ts'

const name = z.string().nullable()
const count = z.int().min(0)

const folderSchema = z
  .object({
    id: z.string().describe('Identifies the folder with its settings.'),
    folder: z.string().describe('Absolute path.'),
    resources: z.array(z.string()).describe('Names of the resources that use it.'),
    replays: z.boolean().describe('Whether requests are answered from it.'),
    records: z.boolean().describe('Whether answers of upstreams are recorded in it.'),
    interactions: count
      .nullable()
      .describe('Number of recordings. Null if nothing replays the folder, so that it is not read.'),
    hits: count.describe('Requests that were answered from it.'),
    misses: count.describe('Requests that no recording matched.'),
    unused: count
      .nullable()
      .describe('Recordings that no request was answered with; null if the folder is not read.'),
    recorded: count.describe('Interactions that were recorded since the start.'),
    pending: count.describe('Recorded interactions that are in memory only (RECORDING_AUTOSAVE=false).'),
    lost: count.describe('Answers that could not be recorded since the start.'),
    writing: z
      .enum(['ok', 'failing'])
      .describe('`failing` if the last write failed. The log has the reason.'),
  })
  .meta({ id: 'RecordingFolder' })

const recordingSchema = z
  .object({
    id: z.string().describe('Unique in its folder.'),
    folder: z.string().describe('Id of the folder.'),
    file: name.describe('Absolute path; null while the recording is in memory only.'),
    line: z.int().min(0).nullable().describe('Null if it is not known.'),
    method: z.string(),
    path: z.string().describe('Path of the request, without credentials.'),
    status: z.int(),
    streamed: z.boolean().describe('Whether the answer is an event stream.'),
    model: name.describe('`model` of the body, or the deployment in the path.'),
    hits: count.describe('Requests that were answered with it.'),
    last_used_at: z.string().meta({ format: 'date-time' }).nullable(),
  })
  .meta({ id: 'Recording' })

/** The answer of `GET /++/recordings`. */
export const recordingsSchema = z.object({
  folders: z.array(folderSchema),
  recordings: z.array(recordingSchema),
  total: count.describe('Number of recordings that match.'),
})

const differenceSchema = z.object({
  path: z.string().describe('`method`, `path`, a header, or a field of the body: `messages[0].content`.'),
  recorded: z.string(),
  sent: z.string(),
})

const nearestSchema = z.object({
  file: name.describe('Null if it was recorded since the start.'),
  line: z.int().min(0),
  method: z.string(),
  uri: z.string(),
  differences: z.array(differenceSchema).describe('The first differences, at most 20.'),
  differences_total: count.describe('Number of all differences, up to 200.'),
  advice: z.string().describe('How the request gets this recording.'),
})

const missSchema = z
  .object({
    id: z.int().min(1).describe('Increasing; never reset.'),
    at: z.string().meta({ format: 'date-time' }),
    folder: z.string().describe('Id of the folder that was searched.'),
    resource: z.string(),
    deployment: name,
    method: z.string(),
    path: z.string(),
    query: z.string(),
    request_id: z.string(),
    body_bytes: count,
    answered: z.enum(missActions).describe('What answered the request instead of a recording.'),
    reason: z.string(),
    compared: z.boolean().describe('False if the request is compared by a later call.'),
    nearest: nearestSchema.nullable(),
    recorded_in: name.describe('Location of a recording that answers the request now.'),
    can_record: z.boolean().describe('Whether POST /++/recordings/record accepts it.'),
    why_not: name.describe('Why it cannot be recorded, and what to do.'),
  })
  .meta({ id: 'RecordingMiss' })

/** The answer of `GET /++/recordings/misses`. */
export const missesSchema = z.object({
  misses: z.array(missSchema),
  total: count.describe('Number of kept misses that match.'),
})

/** The answer of `POST /++/recordings/record`. */
export const recordedSchema = z.object({
  request_id: z.string().describe('Id of the request to the upstream, in the log.'),
  upstream: name,
  status: z.int().describe('Status of the upstream.'),
  streamed: z.boolean(),
  duration_ms: z.number().min(0),
  file: z.string().describe('Absolute path of the file with the recording.'),
  line: z.int().min(0).nullable().describe('Null if nothing replays the folder.'),
})

export type RecordingFolderJson = z.output<typeof folderSchema>
export type RecordingJson = z.output<typeof recordingSchema>
export type RecordingsJson = z.output<typeof recordingsSchema>
export type RecordingMissJson = z.output<typeof missSchema>
export type RecordingMissesJson = z.output<typeof missesSchema>
export type RecordedJson = z.output<typeof recordedSchema>
