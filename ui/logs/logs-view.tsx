import { EmptyState } from '../components/empty-state.tsx'

export function LogsView() {
  return <EmptyState title="No log entries yet">Log lines and requests appear here.</EmptyState>
}
