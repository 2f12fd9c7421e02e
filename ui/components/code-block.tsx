import { useState } from 'preact/hooks'
import { copyText, saveFile } from '../lib/clipboard.ts'
import { Button } from './button.tsx'
import { showToast } from './toast.tsx'

interface CodeBlockProps {
  /** What it is, for screen readers: `Request body`. */
  readonly label: string
  readonly text: string
  /** Offers to save the text as a file with this name. */
  readonly fileName?: string
  /** Lines are wrapped. Default false: long lines scroll. */
  readonly wraps?: boolean
}

/** Text in a fixed-width font, with a button to copy it. */
export function CodeBlock({ label, text, fileName, wraps = false }: CodeBlockProps) {
  return (
    <div class={wraps ? 'code-block code-block-wraps' : 'code-block'}>
      <div class="code-block-actions">
        <CopyButton text={text} label={`Copy: ${label}`} />
        {fileName && <Button onClick={() => saveFile(fileName, text)}>Save as {fileName}</Button>}
      </div>
      {/* Scrollable content needs a focus, so that the keyboard can scroll it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
    </div>
  )
}

/** Copies a text and says so. */
export function CopyButton(props: {
  readonly text: string
  readonly label?: string
  readonly title?: string
}) {
  const { text, label, title = 'Copy' } = props
  const [isCopied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    const done = await copyText(text)
    if (!done) {
      showToast('error', 'The browser does not allow copying. Select the text and copy it.')
      return
    }
    setCopied(true)
    setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <Button onClick={() => void copy()} {...(label && { label })}>
      <span aria-live="polite">{isCopied ? 'Copied' : title}</span>
    </Button>
  )
}
