import { invalidImage, invalidImageUrl, type ServiceError } from '../errors.ts'
import { objectOf, oneOf, required, text } from '../validation/checks.ts'
import { createFault, plainFault, wrongPrefix, type Check, type Fault } from '../validation/fault.ts'
import { fileDataProblem, isWebAddress, pictureUrlProblem } from './media-url.ts'

/** How the service describes the expected data URL of a picture. */
const PICTURE_DATA =
  "Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')"

const FILE_EXAMPLE = "(e.g. 'data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ==')"

/** Maximum size of a picture in a chat message, 20 MB. The Responses API limits all pictures of a request together. */
const MAX_CHAT_PICTURE_BYTES = 20 * 1024 * 1024

const anyText = text()

function checkOf(judge: (text: string) => Fault | undefined): Check {
  return (value) => anyText(value) ?? judge(value as string)
}

/**
 * `image_url.url` of a chat message. The component that prepares pictures reports addresses and data (public reports on Azure, 2024 and
 * 2025). The text for other data URLs is that of Microsoft Foundry (2026); its code is not captured.
 */
export const chatPictureUrl = checkOf((url) => {
  const problem = pictureUrlProblem(url, MAX_CHAT_PICTURE_BYTES)
  switch (problem?.kind) {
    case 'address':
      return reported(invalidImageUrl())
    case 'picture':
      return reported(invalidImage())
    case 'too-large':
      return pictureTooLarge()
    case 'data-url':
      return createFault(
        'invalid_value',
        (path) => `Invalid image URL: '${path}'. ${PICTURE_DATA}, but got ${problem.got}`,
      )
    default:
      return undefined
  }
})

/** The error of another component, which checks a request after the model layer. */
function reported(error: ServiceError): Fault {
  return { ...plainFault(null, error.message), last: true, error }
}

/** From OpenAI's API (public reports). */
function pictureTooLarge(): Fault {
  const message =
    "You uploaded an unsupported image. Please make sure your image is below 20 MB in size and is of one the following formats: ['png', 'jpeg', 'gif', 'webp']."
  return { ...plainFault(null, message, 'sanitizer_server_error'), last: true }
}

/** `image_url` of an item of the Responses API (public reports, 2025 and 2026). */
export const responsesPictureUrl = checkOf((url) => {
  const problem = pictureUrlProblem(url, Infinity)
  switch (problem?.kind) {
    case 'address':
      return invalidAddress()
    case 'data-url':
      return createFault(
        'invalid_value',
        (path) => `Invalid '${path}'. ${PICTURE_DATA}, but got ${problem.got}`,
      )
    case 'picture':
      return {
        ...plainFault(
          'input',
          "The image data you provided does not represent a valid image. Please check your input and try again with one of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
          'invalid_value',
        ),
        last: true,
      }
    default:
      return undefined
  }
})

function invalidAddress(): Fault {
  return createFault(
    'invalid_value',
    (path) => `Invalid '${path}'. Expected a valid URL, but got a value with an invalid format.`,
  )
}

/** `file_url` of the Responses API. The text is that for pictures. */
export const fileUrl = checkOf((url) => (isWebAddress(url) ? undefined : invalidAddress()))

/** `file_id`: of the Files API, or of Azure's files for assistants. The text is that for ids of items. */
export const fileId = checkOf((id) =>
  /^(file|assistant|cfile)/.test(id) ? undefined : wrongPrefix(id, 'file'),
)

const audioShape = objectOf([required('data', text()), required('format', oneOf('wav', 'mp3'))])

/** `input_audio` of a chat message. Only the header of the data is read. The text is OpenAI's (public reports). */
export const inputAudio: Check = (value) => {
  const fault = audioShape(value)
  if (fault) return fault
  const { data, format } = value as { readonly data: string; readonly format: 'wav' | 'mp3' }
  const head = Buffer.from(data.slice(0, AUDIO_HEAD_LENGTH), 'base64')
  if (audioHeads[format](head)) return undefined
  const message = 'This model does not support the format you provided.'
  return { ...plainFault('messages', message, 'unsupported_format'), last: true }
}

/** In base64 characters, a multiple of 4. */
const AUDIO_HEAD_LENGTH = 16

const audioHeads = {
  wav: (head: Buffer): boolean =>
    head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WAVE',
  /** A tag, or the start of a frame. */
  mp3: (head: Buffer): boolean =>
    head.toString('latin1', 0, 3) === 'ID3' || (head[0] === 0xff && ((head[1] ?? 0) & 0xe0) === 0xe0),
}

/** `file_data` of a chat message. Chat accepts only PDF (public reports, 2025 and 2026). The code is not captured. */
export const chatFileData = fileData('an application/pdf MIME type', (type) => type === 'application/pdf')

/** `file_data` of the Responses API. */
export const responsesFileData = fileData('a valid file MIME type', (type) => fileTypes.has(type))

function fileData(expected: string, accepts: (type: string) => boolean): Check {
  return checkOf((url) => {
    const problem = fileDataProblem(url, accepts)
    if (problem?.kind !== 'data-url') return undefined
    return createFault(
      'invalid_value',
      (path) =>
        `Invalid file data: '${path}'. Expected a base64-encoded data URL with ${expected} ${FILE_EXAMPLE}, but got ${problem.got}`,
    )
  })
}

/** The types that the Responses API accepts in `file_data` (OpenAI, "File inputs", 2026). */
const fileTypes: ReadonlySet<string> = new Set([
  ...typesOf(
    'application',
    `csv graphql javascript json json5 msword pdf rtf toml typescript vnd.apple.iwork vnd.apple.keynote vnd.apple.pages
    vnd.google-apps.document vnd.google-apps.presentation vnd.google-apps.spreadsheet vnd.ms-excel vnd.ms-powerpoint
    vnd.oasis.opendocument.text vnd.openxmlformats-officedocument.presentationml.presentation
    vnd.openxmlformats-officedocument.spreadsheetml.sheet vnd.openxmlformats-officedocument.wordprocessingml.document
    x-awk x-bash x-graphql x-httpd-php x-httpd-php-source x-iif x-json5 x-ndjson x-patch x-php x-powershell x-protobuf
    x-rust x-scala x-sql x-subrip x-terraform x-toml x-yaml yaml`,
  ),
  'message/rfc822',
  ...typesOf(
    'text',
    `calendar css csv html javascript jsx markdown plain rtf srt tsv tsx vbscript vtt x-asm x-astro x-awk x-bash x-c x-c++
    x-clojure x-cmake x-csharp x-dart x-diff x-dockerfile x-ejs x-elixir x-erb x-erlang x-go x-golang x-gradle x-graphql
    x-groovy x-handlebars x-haskell x-hcl x-iif x-ini x-jade x-java x-jinja2 x-julia x-kotlin x-less x-liquid x-lisp x-lua
    x-makefile x-mustache x-objectivec x-objectivec++ x-patch x-perl x-php x-properties x-protobuf x-pug x-python x-r x-rst
    x-ruby x-rust x-sass x-scala x-script.python x-scss x-sh x-shellscript x-sql x-subrip x-swift x-terraform x-tex x-tmpl
    x-toml x-twig x-typescript x-vcard x-yaml x-zsh xml`,
  ),
])

function typesOf(kind: string, names: string): string[] {
  return names.split(/\s+/).map((name) => `${kind}/${name}`)
}
