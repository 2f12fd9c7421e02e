import { redactRules } from './redact-rules.ts'
import { setting, nameList, oneOf, text, wordList, yesOrNo } from './setting.ts'

const group = 'Recordings'

/** Settings of the recordings folder. */
export const recordingSettings = {
  dir: setting(text(/./, 'the path of a folder'), {
    env: 'RECORDING_DIR',
    group,
    default: 'recordings',
    description: 'Folder with the recordings, including subfolders. Replay reads it, record writes it.',
  }),
  autosave: setting(yesOrNo('true or false'), {
    env: 'RECORDING_AUTOSAVE',
    group,
    default: true,
    description:
      'Write each interaction immediately. If false, write on POST /++/save-recordings and at shutdown.',
  }),
  errors: setting(yesOrNo('on or off'), {
    env: 'RECORDING_ERRORS',
    group,
    default: 'off',
    description: 'Also record answers with status 400 and above, and streams with an error event.',
  }),
  redact: setting(redactRules(), {
    env: 'RECORDING_REDACT',
    mayHoldSecret: true,
    group,
    unsetMeaning: 'credentials only',
    description:
      'Also remove from recordings: headers, query parameters and JSON fields by name, and "texts" and /patterns/ in bodies (docs/recording.md).',
  }),
}

/** Normalizers of parts of a request that differ in each run. */
export const normalizerNames = [
  'timestamps',
  'ids',
  'json-strings',
  'empty-fields',
  'boundaries',
  'local-urls',
] as const

/** One of `normalizerNames`. */
export type NormalizerName = (typeof normalizerNames)[number]

/** Settings of how requests are matched with recordings. */
export const matchSettings = {
  ignoreFields: setting(
    nameList(/^[^\s,]+$/, 'names of fields, or paths such as stream_options.include_usage'),
    {
      env: 'MATCH_IGNORE_FIELDS',
      group,
      unsetMeaning: 'all fields must match',
      description: 'JSON body fields to ignore when matching, such as user,seed.',
    },
  ),
  normalize: setting(wordList(normalizerNames), {
    env: 'MATCH_NORMALIZE',
    group,
    unsetMeaning: 'values must be equal',
    description:
      'Parts of bodies that may differ from the recording: timestamps, ids, json-strings (key order in tool arguments and results), empty-fields (null and empty lists), boundaries (MIME), local-urls. A recording with equal values is preferred.',
  }),
  conversation: setting(oneOf(['exact', 'prefix']), {
    env: 'MATCH_CONVERSATION',
    group,
    default: 'exact',
    description:
      'Messages that must match: exact requires the same list, prefix also accepts context messages that were added at the end of a turn (docs/recordings.md).',
  }),
  headers: setting(nameList(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'names of headers', { lowerCase: true }), {
    env: 'MATCH_HEADERS',
    group,
    unsetMeaning: 'headers are ignored',
    description: 'Headers that must match the recording.',
  }),
  apiVersion: setting(yesOrNo('on or off'), {
    env: 'MATCH_API_VERSION',
    group,
    default: 'off',
    description: 'Require the same api-version. If off, it is only preferred.',
  }),
  host: setting(yesOrNo('on or off'), {
    env: 'MATCH_HOST',
    group,
    default: 'off',
    description: 'Require that the recorded host equals the Host header.',
  }),
  anyPrefix: setting(yesOrNo('on or off'), {
    env: 'MATCH_ANY_PREFIX',
    group,
    default: 'off',
    description: 'Ignore a path prefix before /openai/ or /v1/.',
  }),
}

/** What replay does with a request without a recording. */
export const missActions = ['error', 'generate', 'record', 'forward'] as const

/** One of `missActions`. */
export type MissAction = (typeof missActions)[number]

/** Settings of how recordings are replayed. */
export const replaySettings = {
  repeat: setting(oneOf(['last', 'cycle', 'seed']), {
    env: 'REPLAY_REPEAT',
    group,
    default: 'last',
    description:
      'Order of equal requests: last repeats the last recording at the end, cycle starts over, seed picks at random.',
  }),
  testHeader: setting(text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of a header'), {
    env: 'REPLAY_TEST_HEADER',
    group,
    default: 'x-sim-test',
    description: 'Header with the name of a test. Each test replays from the first recording.',
  }),
  onMiss: setting(oneOf(missActions), {
    env: 'REPLAY_ON_MISS',
    group,
    default: 'error',
    description:
      'Without a matching recording: error is a 404 that names the nearest one, generate creates an answer, record forwards the request and records the answer, forward only forwards it.',
  }),
  strict: setting(yesOrNo('on or off'), {
    env: 'REPLAY_STRICT',
    group,
    default: 'off',
    description: 'Exit with code 1 and a list if recordings are unused at shutdown.',
  }),
}
