package ledger

// Queued is how many commands wait for a batch.
func (l *Ledger) Queued() int { return len(l.queue) }
