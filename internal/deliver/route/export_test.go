package route

// Places is how many places are remembered.
func Places(b *Breakers) int { return len(b.cells) }

// Tallies is how many places are remembered.
func Tallies(s *Scores) int { return len(s.cells) }
