export { createSimulator } from './server/create-simulator.ts'
export type { ListenOptions, SimulatorHandle } from './server/simulator-handle.ts'
export type { ChosenClock, ClockChoice, SimulatorOptions } from './server/simulator-handle.ts'
export type { ExtensionSource } from './server/start-simulator.ts'

// The configuration as options.
export type { ConfigOptions } from './config/config-options.ts'
export type { DeploymentLatencyOptions } from './config/deployment-latency.ts'
export type { DeploymentOptions } from './config/resolve-deployment.ts'
export type { DistributionOptions } from './config/distribution.ts'
export type { FaultOptions } from './config/fault-rules.ts'
export type { FaultRuleOptions } from './config/fault-rules.ts'
export type { IncidentOptions, IncidentPhaseOptions } from './config/incident-file.ts'
export type { ModelOptions } from './config/model-catalogue-file.ts'

// Requests that were made.
export type { JournalEntry } from './journal/journal-entry.ts'
export type { JournalFilter } from './journal/journal-entry.ts'
export type { ClientReport, ReportTotals, RetryReport } from './journal/retry-report.ts'
export type { Retry } from './journal/retry-findings.ts'

// Time, and what goes wrong.
export { createVirtualClock, type VirtualClock } from './lib/virtual-clock.ts'
export { OperatorError, type OperatorErrorCode } from './lib/operator-error.ts'

// What extensions are written with: the same as `aoai-simulated-api/extension`.
export * from './extension.ts'
