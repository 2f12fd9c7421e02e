/** Every path of the service, under its present and its former name. */
export const ownPath = /^\/(?:documentintelligence|formrecognizer)\//

/** Where a document is handed in; the model is the first group. */
export const submitPath =
  /^\/(?:documentintelligence|formrecognizer)\/documentModels\/([a-zA-Z0-9][\w.~-]{1,63}):analyze$/

/** Where its result is asked for; the model is the first group, the operation's id the second. */
export const resultPath =
  /^\/(?:documentintelligence|formrecognizer)\/documentModels\/([a-zA-Z0-9][\w.~-]{1,63})\/analyzeResults\/([0-9a-f-]{36})$/
