import { useEffect, useRef, useState } from 'preact/hooks'
import { api, ApiError } from '../lib/api.ts'
import { session, signIn } from '../lib/session.ts'
import { useStore } from '../lib/store.ts'
import './sign-in.css'

/** Asks for the admin key and checks it before the page opens. */
export function SignIn() {
  const refusal = useStore(session, (current) => current.refusal)
  const [problem, setProblem] = useState(refusal)
  const [isChecking, setChecking] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])

  const remember = useRef<HTMLInputElement>(null)
  const check = async (): Promise<void> => {
    const key = field.current?.value.trim() ?? ''
    if (!/^[!-~]+$/.test(key)) {
      setProblem('A key has only letters, digits and signs of ASCII. Check what was copied with it.')
      field.current?.select()
      return
    }
    setChecking(true)
    setProblem(undefined)
    try {
      await api.get('/++/stats', { key })
      signIn(key, { remember: remember.current?.checked === true })
    } catch (error) {
      setProblem(problemOf(error))
      setChecking(false)
      field.current?.focus()
      field.current?.select()
    }
  }

  return (
    <main class="sign-in">
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault()
          void check()
        }}
      >
        <h1>Control room</h1>
        <p class="muted">See and steer this simulator. Sign in with its admin key.</p>
        <label class="field" for="key">
          <span>Admin key</span>
          <input
            ref={field}
            id="key"
            name="key"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            required
            aria-invalid={problem ? true : undefined}
            aria-describedby="key-help"
          />
        </label>
        <p id="key-help" class="muted">
          The banner of the simulator shows it at the start. It is ADMIN_API_KEY, or the API key if that is
          not set.
        </p>
        <label class="check">
          <input ref={remember} type="checkbox" /> Keep me signed in on this device
        </label>
        <p class="sign-in-problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="button button-main" disabled={isChecking}>
          {isChecking ? 'Checking…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  return error.status === 401
    ? 'The simulator does not accept this key. Use the admin key, not the key of a resource.'
    : error.message
}
