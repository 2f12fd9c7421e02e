import './range-choice.css'

const ranges = [
  { seconds: 60, title: '1 min' },
  { seconds: 300, title: '5 min' },
  { seconds: 900, title: '15 min' },
] as const

/** Chooses the time that the charts show. */
export function RangeChoice(props: {
  readonly seconds: number
  readonly onChange: (seconds: number) => void
}) {
  return (
    <div class="choice" role="group" aria-label="Time in the charts">
      {ranges.map(({ seconds, title }) => (
        <button
          key={seconds}
          type="button"
          aria-pressed={seconds === props.seconds}
          onClick={() => props.onChange(seconds)}
        >
          {title}
        </button>
      ))}
    </div>
  )
}
