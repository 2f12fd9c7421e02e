import type { ResponseArchive } from '../generate/responses/response-archive.ts'
import type { JournalBook } from '../journal/call-note.ts'
import type { LimitAuthority } from '../limits/limit-authority.ts'
import type { SlotAuthority } from '../latency/slot-authority.ts'
import type { TurnCounter } from '../recordings/replay-turns.ts'

/** What several processes that are one service have in common; each absent one is this process's alone. */
export interface SharedParts {
  readonly limits?: LimitAuthority
  readonly slots?: SlotAuthority
  readonly responses?: ResponseArchive
  readonly turns?: TurnCounter
  /** In the place of a journal of its own; absent where the configuration asks for none. */
  readonly journal?: JournalBook
  /** Which of the processes this is: each draws its answers from another stream of chance. */
  readonly processNumber?: number
  /** Hears that everything since the start is forgotten. */
  readonly onForget?: () => void
}
