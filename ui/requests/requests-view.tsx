import { EmptyState } from '../components/empty-state.tsx'

export function RequestsView() {
  return <EmptyState title="No requests yet">Send a request to the simulator.</EmptyState>
}
