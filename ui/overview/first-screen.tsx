import { useEffect, useState } from 'preact/hooks'
import { Tabs } from '../components/tabs.tsx'
import { api } from '../lib/api.ts'
import { session } from '../lib/session.ts'
import { Button } from '../components/button.tsx'
import { CodeBlock, CopyButton } from '../components/code-block.tsx'
import {
  chatAddress,
  chooseDeployment,
  endpointOf,
  type Example,
  type ExampleTarget,
  examplesOf,
  firstBody,
} from './first-request.ts'
import './first-screen.css'

/** What to do with a simulator that has not answered a request: a request to send at once, and examples to copy. */
export function FirstScreen({ resource }: { readonly resource: string }) {
  const target = useTarget(resource)
  const [chosen, choose] = useState<Example['id']>('curl')
  const examples = target ? examplesOf(target) : []
  const example = examples.find(({ id }) => id === chosen) ?? examples[0]
  return (
    <section class="panel first-screen" aria-labelledby="first-title">
      <div class="first-words">
        <p class="first-waiting" role="status">
          <span class="first-dot" aria-hidden="true" />
          Waiting for the first request
        </p>
        <h2 id="first-title">Point your application at this simulator</h2>
        <dl class="first-facts">
          <dt>Endpoint</dt>
          <dd>
            <code>{target ? endpointOf(target) : location.origin}</code>
          </dd>
          <dt>Key</dt>
          <dd>
            that of <code>SIMULATOR_API_KEY</code>, or the one printed at the start
          </dd>
          {target && (
            <>
              <dt>Deployment</dt>
              <dd>
                <code>{target.deployment}</code>
                {target.model !== target.deployment && <span class="muted"> ({target.model})</span>}
              </dd>
            </>
          )}
        </dl>
        {target && <TestRequest target={target} />}
      </div>
      {target && example && (
        <div class="first-examples">
          <Tabs
            label="Language of the example"
            tabs={examples.map(({ id, label }) => ({ name: id, title: label }))}
            active={example.id}
            onChange={choose}
          >
            <CodeBlock label={`${example.label} example`} text={example.code} />
            {example.id === 'curl' && (
              <p class="row first-note">
                <span class="muted">Uses the variable SIMULATOR_API_KEY.</span>
                <CopyButton
                  title="Copy with key"
                  text={examplesOf(target, session.get().key).find(({ id }) => id === 'curl')?.code ?? ''}
                />
              </p>
            )}
          </Tabs>
        </div>
      )}
    </section>
  )
}

/** A deployment for the examples, and the address of this page. */
function useTarget(resource: string): ExampleTarget | undefined {
  const [target, setTarget] = useState<ExampleTarget>()
  useEffect(() => {
    const abort = new AbortController()
    api
      .get<{ readonly deployments: Parameters<typeof chooseDeployment>[0] }>(
        `/++/resources/${encodeURIComponent(resource)}/deployments`,
        { signal: abort.signal },
      )
      .then(({ deployments }) => {
        const chosen = chooseDeployment(deployments)
        setTarget(chosen && { origin: location.origin, resource, ...chosen })
      })
      // The stream of events reports a simulator that does not answer.
      .catch(() => setTarget(undefined))
    return () => abort.abort()
  }, [resource])
  return target
}

/** Sends the first request from the page, with the key of the session. */
function TestRequest({ target }: { readonly target: ExampleTarget }) {
  const [state, setState] = useState<'ready' | 'sending' | 'sent'>('ready')
  const [problem, setProblem] = useState('')
  const send = async (): Promise<void> => {
    setState('sending')
    setProblem('')
    try {
      const response = await fetch(chatAddress(target), {
        method: 'POST',
        headers: { 'api-key': session.get().key ?? '', 'content-type': 'application/json' },
        body: firstBody(target),
        credentials: 'omit',
      })
      await response.text()
      if (response.status === 401)
        setProblem('The key of this page opens only the admin API. Send the request with SIMULATOR_API_KEY.')
      else if (!response.ok) setProblem(`The answer has status ${response.status}. See Requests for details.`)
      setState('sent')
    } catch {
      setProblem('Could not send the request: the simulator does not answer. Check that it runs.')
      setState('ready')
    }
  }
  return (
    <div class="stack first-test">
      <div class="row">
        <Button kind="main" disabled={state === 'sending'} onClick={() => void send()}>
          {state === 'sending' ? 'Sending …' : 'Send a test request'}
        </Button>
        <span class="muted">A streamed answer of 100 tokens.</span>
      </div>
      <p role="status" class="first-problem">
        {problem}
      </p>
    </div>
  )
}
