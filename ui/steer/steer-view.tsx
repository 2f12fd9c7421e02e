import { EmptyState } from '../components/empty-state.tsx'

export function SteerView() {
  return <EmptyState title="Nothing to steer">The simulator has no deployment yet.</EmptyState>
}
