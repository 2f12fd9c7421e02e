/**
 * The events of `GET /++/events` and the common parts of `GET /++/stats`. Types only, without imports, because the control room and the
 * command use them too. Times are in milliseconds, unless the name says otherwise.
 */

/** Distribution of durations. Quantiles are within 2 % of the exact value, except those of `GET /++/stats` that come from /metrics. */
export interface Durations {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** A kind of time as it was planned from latency settings, faults and headers, and as it was measured. */
export interface PlannedAndAchieved {
  /** Null without an answer that had a plan, such as for forwarded answers. 0 if answers are due immediately. */
  readonly planned: Durations | null
  readonly achieved: Durations | null
}

/** Use of a limit in a sliding window. */
export interface LimitWindow {
  readonly limit: number
  readonly used: number
  readonly remaining: number
  readonly window_seconds: number
  /** Time until the next request is admitted; 0 is now. */
  readonly free_in_seconds: number
  /** Time until all usage has expired. */
  readonly empty_in_seconds: number
}

/** Limits of a deployment and their use, as in `live.limits` of `GET /++/deployments`. */
export type LiveLimits =
  | {
      readonly kind: 'pay-as-you-go'
      readonly tokens: LimitWindow | null
      /** Only for Claude models with a limit of output tokens. */
      readonly output_tokens?: LimitWindow | undefined
      readonly requests: LimitWindow | null
      readonly requests_in_minute: LimitWindow | null
    }
  | {
      readonly kind: 'provisioned'
      /** 1 is 100 %. */
      readonly utilization: number
      readonly free_in_seconds: number
      readonly empty_in_seconds: number
    }

/** Slots of a deployment, as in `live.slots` of `GET /++/deployments`. */
export interface LiveSlots {
  /** Null if unlimited. */
  readonly slots: number | null
  readonly working: number
  readonly waiting: number
  readonly free: number | null
}

/** Rates and times since the last reading. */
export interface LiveWindow {
  readonly requests_per_second: number
  /** Prompt and completion tokens. */
  readonly tokens_per_second: number
  readonly prompt_tokens_per_second: number
  readonly completion_tokens_per_second: number
  readonly rate_limited_per_second: number
  readonly errors_per_second: number
  /** From arrival to the end of the answer, of answers with a 2xx status. */
  readonly latency_ms: Durations | null
  /** From arrival to the first token of a stream. */
  readonly first_token_ms: PlannedAndAchieved
  /** Between two tokens of a stream. */
  readonly between_tokens_ms: PlannedAndAchieved
}

/** Figures of a deployment, or the sum of several. Counts are since the start. */
export interface Live {
  /** Answered requests. */
  readonly requests: number
  /** Those with a status of 400 or above. */
  readonly errors: number
  readonly by_status: Readonly<Record<string, number>>
  /** Requests without a complete answer. */
  readonly active: number
  /** Those that are streams. */
  readonly streams: number
  /** Requests that wait for a slot. */
  readonly queue: number
  readonly tokens: Readonly<Record<'prompt' | 'completion' | 'reasoning' | 'cached', number>>
  /** 429s by the limit that was exceeded. */
  readonly rate_limited: Readonly<Record<'tokens' | 'requests' | 'capacity', number>>
  readonly client_disconnects: number
  /** Injected faults by name. */
  readonly faults: Readonly<Record<string, number>>
  /** Null without limits, and in sums. */
  readonly limits: LiveLimits | null
  /** Null without slots, and in sums. */
  readonly slots: LiveSlots | null
  readonly window: LiveWindow
}

/** Figures of an upstream since the start. */
export interface LiveUpstream {
  /** Attempts, including repetitions. */
  readonly requests: number
  readonly errors: number
  /** By status, or by the code of a failure. */
  readonly by_status: Readonly<Record<string, number>>
  readonly retries: number
  readonly latency_ms: Durations | null
  readonly first_byte_ms: Durations | null
}

/** Event-loop lag in the last five seconds: how late timers fire. With workers: of the slowest process. */
export interface LiveLag {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** The state of CONFIG_STORE. */
export interface LiveConfigStore {
  readonly kind: 'file' | 'blob'
  /** Number of changes in force that the store lacks. */
  readonly pending: number
  readonly state: 'saved' | 'saving' | 'failing'
  /** Why it is failing, without secrets; else null. */
  readonly problem: string | null
}

/** The state of the simulator itself. */
export interface LiveSimulator {
  readonly version: string
  /** Mode of the default resource: `generate`, `record`, `replay` or `forward`. */
  readonly mode: string
  readonly clock: 'system' | 'virtual'
  /** Time of the clock (ISO 8601). */
  readonly now: string
  /** By the clock. */
  readonly uptime_seconds: number
  /** Number of processes that serve requests. */
  readonly workers: number
  /** False if the simulator was the bottleneck in the last minute, so that measured times do not describe the simulated service. */
  readonly keeps_up: boolean
  /** What was late, and what to do; null if the simulator keeps up. */
  readonly bottleneck: string | null
  /** Delay between planned and actual send time. Null if nothing had a planned time. */
  readonly lateness_ms: Durations | null
  readonly event_loop_lag_ms: LiveLag
  readonly in_flight: number
  readonly open_streams: number
  /** Null without CONFIG_STORE. */
  readonly config_store: LiveConfigStore | null
  /** Whether the journal is on (JOURNAL_SIZE), which the retry report needs. */
  readonly journal: boolean
  /** Null if nothing is recorded. */
  readonly recordings: { readonly writing: 'ok' | 'failing'; readonly lost: number } | null
}

/** A phase of an incident timetable. Times are in seconds from the start of a round. */
export interface LivePhase {
  readonly name: string
  /** Null: all deployments. */
  readonly deployment: string | null
  readonly starts_at_seconds: number
  /** Null: endless. */
  readonly ends_at_seconds: number | null
}

/** The incident timetable of a resource. */
export interface LiveIncidents {
  readonly running: boolean
  /** Name of the current phase; null between phases, and if no timetable is running. */
  readonly phase: string | null
  /** Counted from 1; 0 before the first round. */
  readonly round: number
  /** Null if endless. */
  readonly rounds: number | null
  /** ISO 8601, by the clock; null if no timetable is running. */
  readonly started_at: string | null
  /** Start of the current round. */
  readonly round_started_at: string | null
  /** Null if endless, or if no timetable is running. */
  readonly ends_at: string | null
  /** Phases of the running timetable, or of the last one. */
  readonly phases: readonly LivePhase[]
}

/** Figures of a resource. */
export interface LiveResource {
  /** Absent: unchanged. */
  readonly totals?: Live
  /** By name; empty name: requests without a deployment. Null: removed. Absent: unchanged. */
  readonly deployments: Readonly<Record<string, Live | null>>
}

/** Data of the event `stats`. Only the first event is complete; later ones have what has changed since the last one. */
export interface LiveStats {
  /** Time of the reading, in milliseconds since 1970, in real time also with a virtual clock. */
  readonly at_ms: number
  /** Real time since the last reading; 0 in the first one. */
  readonly window_ms: number
  /** Whether the event is complete, so that names that it lacks do not exist. */
  readonly full: boolean
  readonly simulator: LiveSimulator
  /** By resource with a timetable. Absent: unchanged. */
  readonly incidents?: Readonly<Record<string, LiveIncidents>>
  /** Of all resources, or of the one in the query. Absent: unchanged. */
  readonly totals?: Live
  /** By name. Null: removed. Absent: unchanged. */
  readonly resources: Readonly<Record<string, LiveResource | null>>
  /** Of all resources. Absent: unchanged. */
  readonly upstreams?: Readonly<Record<string, LiveUpstream>>
}

/** Data of the event `hello`, the first one. */
export interface LiveHello {
  readonly version: string
  readonly mode: string
  readonly clock: 'system' | 'virtual'
  /** Start of the simulator (ISO 8601, by the clock). */
  readonly started_at: string
  /** Shortest time between two events `stats`. It is longer if a reading takes more than 1 % of it. */
  readonly interval_ms: number
}

/** Data of the event `config`: the configuration has changed. */
export interface LiveConfigChange {
  /** ISO 8601. */
  readonly at: string
  /** `patch`, `reset` or `file`. */
  readonly what: string
}

/** Data of the event `incident`: a timetable was started, stopped, or has entered or left a phase. */
export interface LiveIncidentChange extends LiveIncidents {
  readonly at: string
  readonly resource: string
}

/** Data of the event `dropped`: entries that were not sent, because there were more than 20 a second. */
export interface LiveDropped {
  readonly event: 'log' | 'request'
  readonly count: number
}
