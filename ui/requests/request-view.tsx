import { EmptyState } from '../components/empty-state.tsx'

export function RequestView() {
  return <EmptyState title="Request not found">The simulator keeps the latest requests only.</EmptyState>
}
