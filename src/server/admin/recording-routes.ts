import * as z from 'zod'
import { createKeyRedactor, redactQuery, redactText } from '../../lib/credential-texts.ts'
import { type ListedRecording, listRecordings, type RecordingList } from '../../recordings/list-recordings.ts'
import { roundTo } from '../../lib/format-text.ts'
import { shortText } from '../../lib/error-text.ts'
import type { ShownNearest } from '../../recordings/recording-use.ts'
import { findRoute } from '../../wire/route.ts'
import type { MissReport } from '../recording-activity.ts'
import type { Simulator } from '../simulator.ts'
import type { RecordingsInUse } from '../source-table.ts'
import { type AdminRoute, defineRoute, errorAnswer, refuse } from './admin-route.ts'
import { resourceNotFound } from './deployment-routes.ts'
import { missesSchema, recordedSchema, recordingsSchema } from './recording-schemas.ts'

const DEFAULT_RECORDINGS = 100
const MAX_RECORDINGS = 1_000
const MAX_MISSES = 100

const resource = z
  .string()
  .optional()
  .describe('Only folders that this resource uses. `default` is the one without a prefix.')

const listQuery = z.object({
  resource,
  folder: z.string().optional().describe('Only this folder: its id or its path.'),
  text: z
    .string()
    .optional()
    .describe('Only recordings with this text in method, path, model, status or file, case-insensitive.'),
  used: z
    .boolean()
    .optional()
    .describe('true: only recordings that a request was answered with; false: only the others.'),
  limit: z
    .int()
    .min(0)
    .max(MAX_RECORDINGS)
    .default(DEFAULT_RECORDINGS)
    .describe('Maximum number of recordings. 0 returns the folders only.'),
})

const missesQuery = z.object({
  resource: resource.describe('Only misses of this resource.'),
  limit: z
    .int()
    .min(1)
    .max(MAX_MISSES)
    .default(MAX_MISSES)
    .describe('Maximum number of misses; the latest are returned.'),
})

const recordBody = z.strictObject({
  miss: z.int().min(1).optional().describe('Id of a miss.'),
  request: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Id of a request: `request_id` of a miss or of a trace, which is the `apim-request-id` of its answer, or the id of a trace.',
    ),
})

const saved = z.int().min(0).describe('Number of written interactions.')

/** Returns the routes of recordings. */
export function recordingRoutes(simulator: Simulator): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/++/recordings',
      operationId: 'listRecordings',
      summary: 'List recordings folders, their recordings, and how often they were used',
      description:
        'Counts begin at the start and at POST /++/reset, and include all workers. Recordings are listed in the order of files and lines. Of a folder that nothing replays, the last 200 recorded ones are listed.',
      query: listQuery,
      answers: {
        200: { description: 'The folders in use and the matching recordings.', schema: recordingsSchema },
        404: errorAnswer('The resource or the folder does not exist.'),
      },
      async handle({ query: { resource, folder, limit, ...filter } }) {
        if (resource !== undefined && !simulator.config.resources.has(resource))
          return resourceNotFound(simulator, resource)
        await simulator.recordingActivity.flush()
        const inUse = simulator.recordings
        const found = inUse.filter(
          ({ id, config: { dir }, resources }) =>
            (resource === undefined || resources.includes(resource)) &&
            (folder === undefined || folder === id || folder === dir),
        )
        if (folder !== undefined && found.length === 0) return folderNotFound(folder, inUse)
        const hide = hiderOf(simulator)
        const folders = []
        const recordings = []
        let total = 0
        for (const one of found) {
          const { dir } = one.config
          const list = await listRecordings({ ...one, dir }, filter, limit - recordings.length)
          folders.push(folderJson(one, list))
          recordings.push(...list.recordings.map((listed) => recordingJson(one.id, listed, hide)))
          total += list.total
        }
        return { status: 200, body: { folders, recordings, total } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/++/recordings/misses',
      operationId: 'listRecordingMisses',
      summary: 'List the last requests that no recording matched, newest first',
      description:
        'The last 100 misses, each with the most similar recording and the differences from it. A call compares at most 10 requests that were not compared before.',
      query: missesQuery,
      answers: {
        200: { description: 'The latest matching misses.', schema: missesSchema },
        404: errorAnswer('The resource does not exist.'),
      },
      async handle({ query: { resource, limit } }) {
        if (resource !== undefined && !simulator.config.resources.has(resource))
          return resourceNotFound(simulator, resource)
        const { recordingActivity: activity } = simulator
        await activity.flush()
        const kept = activity.misses(resource)
        const hide = hiderOf(simulator)
        const misses = await activity.reports(kept.slice(0, limit))
        return {
          status: 200,
          body: { misses: misses.map((miss) => missJson(miss, hide)), total: kept.length },
        }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/recordings/misses',
      operationId: 'clearRecordingMisses',
      summary: 'Clear the list of misses',
      description: 'Ids and counts continue.',
      answers: { 204: { description: 'The list is empty.' } },
      async handle() {
        await simulator.recordingActivity.flush()
        simulator.recordingActivity.clearMisses()
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/++/recordings/record',
      operationId: 'recordRequest',
      summary: 'Record the answer to one request',
      description:
        'Sends the request to its upstream once, without the credentials of its caller, and appends the answer to the recordings folder of its resource, also with RECORDING_AUTOSAVE=false. It is replayed from the next request on.',
      body: {
        kind: 'json',
        description: 'Which request: `miss` or `request`.',
        schema: recordBody,
        example: { miss: 1 },
      },
      answers: {
        200: { description: 'The answer was recorded.', schema: recordedSchema },
        404: errorAnswer('The request is not kept (RequestNotFound).'),
        409: errorAnswer(
          'The request cannot be recorded: RecordingExists, RecordingRunning, BodyNotKept, NoUpstream, CallerCredential, AnsweredLocally, ResourceNotFound. Or the answer was not recorded: AnswerNotRecorded.',
        ),
        502: errorAnswer('The upstream did not answer.'),
      },
      async handle({ body: { miss, request } }) {
        const { recordingActivity: activity } = simulator
        if ((miss === undefined) === (request === undefined)) {
          const message = 'Could not record a request: the body must have either "miss" or "request".'
          return refuse(400, 'InvalidBody', message)
        }
        await activity.flush()
        const kept =
          miss === undefined
            ? (activity.requestOf(request ?? '') ?? simulator.traces?.rawRequest(request ?? ''))
            : activity.missOf(miss)
        if (!kept) {
          const what = miss === undefined ? 'request with this id' : `miss ${miss}`
          const message = `Could not record a request: the ${what} is not kept any more. Send the request again.`
          return refuse(404, 'RequestNotFound', message)
        }
        const result = await activity.record(kept)
        if ('code' in result) return refuse(result.status, result.code, result.message)
        const { requestId, durationMs, line = null, upstream = null, ...same } = result
        return {
          status: 200,
          body: { ...same, line, upstream, request_id: requestId, duration_ms: roundTo(durationMs, 1) },
        }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/++/save-recordings',
      operationId: 'saveRecordings',
      summary: 'Write recordings that are in memory',
      description: 'Needed only with RECORDING_AUTOSAVE=false.',
      answers: {
        200: { description: 'All recordings are written.', schema: z.object({ saved }) },
        400: errorAnswer('The mode does not record.'),
        500: errorAnswer(
          'Some could not be written and stay in memory. `saved` is the number of the others.',
        ),
      },
      async handle() {
        const recorders = simulator.recordings.flatMap(({ recorder }) => recorder ?? [])
        if (recorders.length === 0) {
          const message = `Could not save recordings: ${simulator.config.defaultResource.mode} mode does not record. Start with SIMULATOR_MODE=record.`
          return refuse(400, 'NotRecording', message)
        }
        const reports = await Promise.all(recorders.map((recorder) => recorder.save()))
        const saved = reports.reduce((sum, report) => sum + report.saved, 0)
        const unsaved = reports.reduce((sum, report) => sum + report.unsaved, 0)
        const failures = reports.flatMap((report) => report.failures)
        if (failures.length === 0) return { status: 200, body: { saved } }
        const message = `Could not write ${unsaved} interactions; they stay in memory. ${failures.join(' ')}`
        const { status, body } = refuse(500, 'RecordingsNotSaved', message)
        return { status, body: { saved, ...body } }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/replay-cursors',
      operationId: 'resetReplayCursors',
      summary: 'Replay repeated recordings from the first one',
      query: z.object({
        test: z
          .string()
          .optional()
          .describe('Name of a test, as in REPLAY_TEST_HEADER. Default: all requests.'),
      }),
      answers: { 204: { description: 'The next request gets the first recording.' } },
      async handle({ query: { test } }) {
        await simulator.poolState.cursors.clear?.(test)
        return { status: 204 }
      },
    }),
  ]
}

/** Removes credentials from a text. */
type Hide = (text: string) => string

/** Keys of the configuration, which a client may have put into a path. */
function hiderOf({ live }: Simulator): Hide {
  return createKeyRedactor(live.secrets.list)
}

function folderNotFound(folder: string, inUse: readonly RecordingsInUse[]): ReturnType<typeof refuse> {
  const known = inUse.slice(0, 20).map(({ config: { dir } }) => dir)
  const list = known.length === 0 ? 'No folder is in use.' : `Folders in use: ${known.join(', ')}.`
  const message = `Could not find the folder ${JSON.stringify(shortText(folder))}. ${list}`
  return refuse(404, 'FolderNotFound', message)
}

function folderJson(
  { id, config, resources, records, recorder, replay }: RecordingsInUse,
  list: RecordingList,
) {
  return {
    id,
    folder: config.dir,
    resources: [...resources],
    replays: replay !== undefined,
    records,
    interactions: list.interactions ?? null,
    hits: replay?.use.hits ?? 0,
    misses: replay?.use.misses ?? 0,
    unused: list.unused ?? null,
    recorded: recorder?.recorded ?? 0,
    pending: recorder?.pending ?? 0,
    lost: recorder?.losses.lost ?? 0,
    writing: recorder?.losses.isFailing ? ('failing' as const) : ('ok' as const),
  }
}

function recordingJson(folder: string, listed: ListedRecording, hide: Hide) {
  const { id, file = null, line = null, method, path, status, streamed, hits, lastUsedMs } = listed
  const model = listed.model ?? findRoute(method, path)?.deploymentName
  return {
    id,
    folder,
    file,
    line,
    method,
    path: hide(redactText(path)),
    status,
    streamed,
    model: model === undefined ? null : hide(redactText(model)),
    hits,
    last_used_at: lastUsedMs === 0 ? null : new Date(lastUsedMs).toISOString(),
  }
}

function missJson({ miss, isCompared, nearest, recorded, problem }: MissReport, hide: Hide) {
  const { id, folder, resource, deployment, method, path, query, requestId, bodyBytes, action } = miss
  return {
    id,
    at: new Date(miss.epochMs).toISOString(),
    folder,
    resource,
    deployment: deployment === undefined ? null : hide(redactText(deployment)),
    method,
    path: hide(redactText(path)),
    query: hide(redactQuery(query)),
    request_id: requestId,
    body_bytes: bodyBytes,
    answered: action,
    reason: reasonOf(nearest, isCompared),
    compared: isCompared,
    nearest: nearest ? nearestJson(nearest) : null,
    recorded_in: recorded ?? null,
    can_record: problem === undefined,
    why_not: problem?.message ?? null,
  }
}

function reasonOf(nearest: ShownNearest | undefined, isCompared: boolean): string {
  if (!nearest)
    return isCompared ? 'The folder has no recording to compare it with.' : 'No recording matches it.'
  const [first] = nearest.differences
  const more = nearest.total > 1 ? `, the first of ${nearest.total} differences` : ''
  return `The nearest recording differs in ${first?.path ?? 'the body'}${more}.`
}

function nearestJson({ file, total, differences, ...same }: ShownNearest) {
  return { ...same, file: file ?? null, differences: [...differences], differences_total: total }
}
