import type { AccessStages } from '../pipeline/pipeline.ts'
import { createAuthenticate } from './authenticate.ts'
import {
  checkApiVersion,
  checkModelVersion,
  createFindDeployment,
  type OnUndefinedDeployment,
} from './find-deployment.ts'

/** What the stages of access depend on. */
export interface AccessOptions {
  /** Whether generate mode may answer paths that the service does not have, as generators of extensions do; default false. */
  readonly answersAnyPath?: boolean
  /** A deployment that the configuration does not have is asked for, in generate mode; absent: nobody hears of it. */
  readonly onUndefinedDeployment?: OnUndefinedDeployment
}

/** Makes the stages that say whether a request may pass, and for which deployment. */
export function createAccess({ answersAnyPath = false, onUndefinedDeployment }: AccessOptions): AccessStages {
  return {
    checkApiVersion,
    authenticate: createAuthenticate(answersAnyPath),
    findDeployment: createFindDeployment(onUndefinedDeployment),
    checkModelVersion,
  }
}
