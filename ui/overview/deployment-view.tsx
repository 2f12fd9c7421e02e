import { EmptyState } from '../components/empty-state.tsx'

export function DeploymentView() {
  return <EmptyState title="No requests yet">Send a request to this deployment.</EmptyState>
}
