import { useState } from 'preact/hooks'
import { Button } from '../components/button.tsx'
import { Field } from '../components/field.tsx'
import { showToast } from '../components/toast.tsx'
import { parseNumber } from '../components/slider-scale.ts'
import { api } from '../lib/api.ts'
import { type Call, startCall } from './draft.ts'
import { getAt, isTree, type Path, type Tree } from './json-tree.ts'
import { ReviewDialog } from './review-dialog.tsx'
import { callFor, messageOf } from './steer-store.ts'
import { outage, snakeKeys } from './timetable.ts'

/** Names of the fault rules that quick actions add, so that they can be replaced and removed. */
const failRule = 'quick-fail'
const slowRule = 'quick-slow'

interface QuickActionsProps {
  readonly resource: string
  readonly name: string
  readonly entry: unknown
}

/** What load testers do most: each action shows its difference first, and leaves the draft as it is. */
export function QuickActions({ resource, name, entry }: QuickActionsProps) {
  const [calls, setCalls] = useState<readonly Call[]>([])
  const [tokens, setTokens] = useState('1000')
  const [delay, setDelay] = useState('3')
  const [share, setShare] = useState('10')
  const [seconds, setSeconds] = useState('60')
  const path = ['deployments', name]
  const faults = getAt(entry, ['faults'])
  const rules: readonly unknown[] = Array.isArray(faults) ? faults : []
  const isQuick = (rule: unknown, of: string): boolean => isTree(rule) && rule['name'] === of
  const without = (of: string): readonly unknown[] => rules.filter((rule) => !isQuick(rule, of))
  const change = (changes: readonly (readonly [Path, unknown])[]): void => {
    const call = callFor({ kind: 'resource', name: resource }, changes)
    if (call) setCalls([call])
    else showToast('ok', 'The deployment is like this already.')
  }
  const setRules = (next: readonly unknown[]): void =>
    change([[[...path, 'faults'], next.length === 0 ? undefined : next]])
  const start = async (duration: number): Promise<void> => {
    try {
      const state = await api.get<Tree>('/++/incidents', { query: { resource } })
      setCalls([startCall(resource, outage(duration, name), snakeKeys(state['timetable']))])
    } catch (error) {
      showToast('error', messageOf(error))
    }
  }
  const isFailing = rules.some((rule) => isQuick(rule, failRule))
  const isSlow = rules.some((rule) => isQuick(rule, slowRule))
  return (
    <section class="panel steer-quick" aria-label="Quick actions">
      <h3>Quick actions</h3>
      <div class="steer-quick-grid">
        <Action
          label="Limit to"
          unit="TPM"
          value={tokens}
          onInput={setTokens}
          min={1}
          isInteger
          action="Limit"
          onAct={(value) => change([[[...path, 'tokens_per_minute'], value]])}
        />
        <Action
          label="Make it slow"
          unit="s delay"
          value={delay}
          onInput={setDelay}
          min={0.001}
          max={3_600}
          action="Slow down"
          onAct={(value) =>
            // The first fault that is drawn applies, so errors come first.
            setRules([
              ...without(slowRule),
              { name: slowRule, probability: 1, fault: { kind: 'delay', ms: value * 1_000 } },
            ])
          }
          undo={isSlow ? { title: 'Not slow', act: () => setRules(without(slowRule)) } : undefined}
        />
        <Action
          label="Fail with 500"
          unit="%"
          value={share}
          onInput={setShare}
          min={0}
          max={100}
          action="Fail"
          onAct={(value) =>
            setRules([
              { name: failRule, probability: Number((value / 100).toPrecision(6)), fault: 'serverError' },
              ...without(failRule),
            ])
          }
          undo={isFailing ? { title: 'Not failing', act: () => setRules(without(failRule)) } : undefined}
        />
        <Action
          label="Outage"
          unit="s of 503"
          value={seconds}
          onInput={setSeconds}
          min={0.001}
          max={31_536_000}
          action="Start"
          onAct={(value) => void start(value)}
        />
      </div>
      <ReviewDialog calls={calls} isOpen={calls.length > 0} onClose={() => setCalls([])} isOwnDraft={false} />
    </section>
  )
}

function Action(props: {
  readonly label: string
  readonly unit: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly min: number
  readonly max?: number
  readonly isInteger?: boolean
  readonly action: string
  readonly onAct: (value: number) => void
  readonly undo?: { readonly title: string; readonly act: () => void } | undefined
}) {
  const {
    label,
    unit,
    value,
    onInput,
    min,
    max = Number.MAX_SAFE_INTEGER,
    isInteger = false,
    action,
    onAct,
    undo,
  } = props
  const number = parseNumber(value)
  const isValid =
    number !== undefined && number >= min && number <= max && (!isInteger || Number.isInteger(number))
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return (
    <form
      class="steer-action"
      onSubmit={(event) => {
        event.preventDefault()
        if (isValid) onAct(number)
      }}
    >
      <Field
        label={label}
        type="number"
        unit={unit}
        value={value}
        onInput={onInput}
        problem={isValid ? undefined : `Enter ${isInteger ? 'an integer' : 'a number'} ${range}.`}
      />
      <span class="row">
        <Button type="submit" disabled={!isValid}>
          {action}…
        </Button>
        {undo && <Button onClick={undo.act}>{undo.title}…</Button>}
      </span>
    </form>
  )
}
