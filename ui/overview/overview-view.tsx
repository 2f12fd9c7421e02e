import { EmptyState } from '../components/empty-state.tsx'

export function OverviewView() {
  return (
    <EmptyState title="No requests yet">Send a request to the simulator, or start a load test.</EmptyState>
  )
}
