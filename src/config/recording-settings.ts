import { redactRules } from './redact-rules.ts'
import { setting } from './setting.ts'
import { nameList, oneOf, text, yesOrNo } from './value-kind.ts'

const group = 'Recordings'

/** Settings of the recordings folder and of what is replayed from it. */
export const recordingSettings = {
  dir: setting(text(/./, 'the path of a folder'), {
    env: 'RECORDING_DIR',
    group,
    default: 'recordings',
    description:
      'Folder of the recordings, with its subfolders; relative to the working directory. Replay reads it, record writes it.',
  }),
  autosave: setting(yesOrNo('true or false'), {
    env: 'RECORDING_AUTOSAVE',
    group,
    default: true,
    description:
      'Whether an interaction is written at once; otherwise at POST /++/save-recordings and at a clean stop.',
  }),
  errors: setting(yesOrNo('on or off'), {
    env: 'RECORDING_ERRORS',
    group,
    default: 'off',
    description:
      'Whether answers of 400 and above are recorded too, and streams with an error event in them.',
  }),
  redact: setting(redactRules(), {
    env: 'RECORDING_REDACT',
    mayHoldSecret: true,
    group,
    unsetMeaning: 'credentials only',
    description:
      'What recordings must not hold beside credentials: names of headers, query parameters and JSON fields, "texts" and /patterns/ of bodies (docs/recording.md).',
  }),
}

/** Settings of what makes a request the same as a recorded one. */
export const matchSettings = {
  ignoreFields: setting(
    nameList(/^[^\s,]+$/, 'names of fields, or paths such as stream_options.include_usage'),
    {
      env: 'MATCH_IGNORE_FIELDS',
      group,
      unsetMeaning: 'every field counts',
      description:
        'Fields of JSON bodies that do not count when a recording is looked for: user,seed,metadata.',
    },
  ),
  headers: setting(nameList(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'names of headers', { lowerCase: true }), {
    env: 'MATCH_HEADERS',
    group,
    unsetMeaning: 'no header counts',
    description: 'Headers that must be equal to the recorded ones.',
  }),
  apiVersion: setting(yesOrNo('on or off'), {
    env: 'MATCH_API_VERSION',
    group,
    default: 'off',
    description:
      'Whether api-version must be equal to the recorded one; off, an equal one is only preferred.',
  }),
  host: setting(yesOrNo('on or off'), {
    env: 'MATCH_HOST',
    group,
    default: 'off',
    description:
      "Whether the recorded host must be that of the request's Host header; off, any host will do.",
  }),
  anyPrefix: setting(yesOrNo('on or off'), {
    env: 'MATCH_ANY_PREFIX',
    group,
    default: 'off',
    description:
      'Whether what stands in a path before /openai/ or /v1/ does not count, such as the prefix of a gateway or a resource.',
  }),
}

/** Settings of how recordings are replayed. */
export const replaySettings = {
  repeat: setting(oneOf(['last', 'cycle', 'seed']), {
    env: 'REPLAY_REPEAT',
    group,
    default: 'last',
    description:
      'For a request that was recorded several times: last replays each in turn and stays on the last one, cycle begins again, seed picks one by chance.',
  }),
  testHeader: setting(text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of a header'), {
    env: 'REPLAY_TEST_HEADER',
    group,
    default: 'x-sim-test',
    description: 'Header that names the test a request belongs to: turns are counted for each test alone.',
  }),
  onMiss: setting(oneOf(['error', 'generate', 'record']), {
    env: 'REPLAY_ON_MISS',
    group,
    default: 'error',
    description:
      'For a request that no recording answers: error is a 404 that names the nearest one, generate makes an answer up, record asks the real service.',
  }),
  strict: setting(yesOrNo('on or off'), {
    env: 'REPLAY_STRICT',
    group,
    default: 'off',
    description:
      'Whether the recordings that no request has used are listed at the end and make the exit code 1.',
  }),
}
