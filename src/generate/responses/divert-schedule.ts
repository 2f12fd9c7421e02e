import type { Reply, Schedule } from '../../pipeline/reply.ts'

/**
 * Lets `take` have the schedule that a later stage plans for a reply. Work in the background takes the time that its
 * answer would have taken, while the reply that only announces it goes out at once.
 *
 * @param sending whether the reply itself keeps to the schedule (`paced`) or not
 */
export function divertSchedule(
  reply: Reply,
  take: (schedule: Schedule) => void,
  sending: 'paced' | 'at-once',
): Reply {
  let planned: Schedule | undefined
  return Object.defineProperty(reply, 'schedule', {
    configurable: true,
    enumerable: true,
    get: () => (sending === 'paced' ? planned : undefined),
    set(schedule: Schedule) {
      planned = schedule
      take(schedule)
    },
  })
}
