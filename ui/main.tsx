import { render } from 'preact'
import './styles.css'
import './components/components.css'
import { App } from './frame/app.tsx'
import { openSession } from './lib/session.ts'
import { openTheme } from './lib/theme.ts'

openTheme()
openSession()
const root = document.getElementById('app')
if (root) render(<App />, root)
