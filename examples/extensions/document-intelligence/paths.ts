/** All paths of the service, under its current and its former name. */
export const ownPath = /^\/(?:documentintelligence|formrecognizer)\//

/** Path to submit a document. Group 1 is the model. */
export const submitPath =
  /^\/(?:documentintelligence|formrecognizer)\/documentModels\/([a-zA-Z0-9][\w.~-]{1,63}):analyze$/

/** Path of the result. Group 1 is the model, group 2 the operation id. */
export const resultPath =
  /^\/(?:documentintelligence|formrecognizer)\/documentModels\/([a-zA-Z0-9][\w.~-]{1,63})\/analyzeResults\/([0-9a-f-]{36})$/
