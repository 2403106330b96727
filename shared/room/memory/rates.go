package memory

import (
	"context"
	"time"

	"github.com/sotto-chat/sotto/shared/room"
)

// Spend implements room.Rates.
func (s *Store) Spend(_ context.Context, rate room.Rate, now time.Time, draws ...room.Draw) ([]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := make([]time.Time, len(draws))
	for i, draw := range draws {
		at := later(s.rates[bucketKey{rate, draw.Bucket}], now).Add(draw.Cost)
		switch {
		case !at.After(now.Add(draw.Most)):
			full[i] = at
		case !draw.Optional:
			return nil, room.ErrThrottled
		}
	}
	for i, draw := range draws {
		if !full[i].IsZero() {
			s.rates[bucketKey{rate, draw.Bucket}] = full[i]
		}
	}
	return full, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
