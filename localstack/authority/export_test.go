package authority

// OpenAt is Open with another clock.
var OpenAt = open

// Leaves returns the number of cached certificates.
func (a *Authority) Leaves() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.leaves)
}
