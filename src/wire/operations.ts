/** Where a request's deployment is named: in the path or the body's `model`, or nowhere, since it needs none. */
type DeploymentIn = 'path-or-body' | 'nowhere'

interface OperationFacts {
  /** The name in the service's messages: "This request was for ChatCompletions_Create under ...". */
  readonly id: string
  /** The name in the refusal of a model that cannot do it. */
  readonly word: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The path behind the prefix; `{id}` stands for one segment. */
  readonly path: string
  readonly deployment: DeploymentIn
  /** Whether the dated path has the deployment in it (`/openai/deployments/{name}/...`) or not (`/openai/...`). */
  readonly datedUnder: 'deployments' | 'openai'
}

const onDeployment = { method: 'POST', deployment: 'path-or-body', datedUnder: 'deployments' } as const
const onResource = { word: '', deployment: 'nowhere', datedUnder: 'openai' } as const

/**
 * The operations of the data plane. Ids, words and paths are from Azure/azure-rest-api-specs, 2025-03-01-preview, and
 * from captured messages where those differ (`Audio_Translations`).
 */
export const operations = {
  chatCompletions: {
    ...onDeployment,
    id: 'ChatCompletions_Create',
    word: 'chatCompletion',
    path: 'chat/completions',
  },
  completions: { ...onDeployment, id: 'Completions_Create', word: 'completion', path: 'completions' },
  embeddings: { ...onDeployment, id: 'Embeddings_Create', word: 'embeddings', path: 'embeddings' },
  responses: {
    ...onDeployment,
    id: 'Create_Response',
    word: 'responses',
    path: 'responses',
    datedUnder: 'openai',
  },
  imageGenerations: {
    ...onDeployment,
    id: 'ImageGenerations_Create',
    word: 'imageGenerations',
    path: 'images/generations',
  },
  speech: { ...onDeployment, id: 'Audio_Speech', word: 'audioSpeech', path: 'audio/speech' },
  transcriptions: {
    ...onDeployment,
    id: 'Audio_Transcriptions',
    word: 'audioTranscription',
    path: 'audio/transcriptions',
  },
  translations: {
    ...onDeployment,
    id: 'Audio_Translations',
    word: 'audioTranslation',
    path: 'audio/translations',
  },
  getResponse: { ...onResource, id: 'Get_Response', method: 'GET', path: 'responses/{id}' },
  deleteResponse: { ...onResource, id: 'Delete_Response', method: 'DELETE', path: 'responses/{id}' },
  cancelResponse: { ...onResource, id: 'Cancel_Response', method: 'POST', path: 'responses/{id}/cancel' },
  listInputItems: { ...onResource, id: 'Get_Input_Items', method: 'GET', path: 'responses/{id}/input_items' },
  listModels: { ...onResource, id: 'Models_List', method: 'GET', path: 'models' },
  getModel: { ...onResource, id: 'Models_Get', method: 'GET', path: 'models/{id}' },
} as const satisfies Readonly<Record<string, OperationFacts>>

/** The name of an operation of the data plane. */
export type Operation = keyof typeof operations

/** The operations that a model carries out, and a deployment therefore can. */
export type ModelOperation = {
  [O in Operation]: (typeof operations)[O]['deployment'] extends 'nowhere' ? never : O
}[Operation]

/** The operations that need no deployment. */
export type ResourceOperation = Exclude<Operation, ModelOperation>

/** Whether an operation is carried out by a deployment's model. */
export function isModelOperation(operation: Operation): operation is ModelOperation {
  return operations[operation].deployment !== 'nowhere'
}
