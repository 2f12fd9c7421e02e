import { EmptyState } from '../components/empty-state.tsx'

export function RecordingsView() {
  return <EmptyState title="No recordings in use">Start with SIMULATOR_MODE=replay or record.</EmptyState>
}
