import { EmptyState } from '../components/empty-state.tsx'

export function RetriesView() {
  return <EmptyState title="No retries yet">Retries of clients appear here.</EmptyState>
}
