package tenant

// Cached is how many answers of the store are kept.
func (d *Directory) Cached() int {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	return len(d.store.kept)
}
