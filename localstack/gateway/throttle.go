package gateway

import (
	"sync"
	"time"
)

// bucket is a token bucket: it holds at most burst tokens and gains rate tokens
// per second. Every admitted request takes one.
type bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	at     time.Time // of the last change of tokens
}

func newBucket(rate float64, burst int, now time.Time) *bucket {
	return &bucket{rate: rate, burst: float64(burst), tokens: float64(burst), at: now}
}

// admit takes a token; it returns false if there is none. A clock that goes
// back adds none.
func (b *bucket) admit(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.tokens = min(b.burst, b.tokens+elapsed.Seconds()*b.rate)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// routeBucket returns the bucket of one route, or nil if only the account's
// limit applies. A value that the route's throttle does not set is the stage's,
// or else the account's.
func routeBucket(route, stage *Throttle, limits Limits, now time.Time) *bucket {
	rate, burst, set := limits.AccountRate, limits.AccountBurst, false
	for _, t := range []*Throttle{stage, route} {
		if t == nil {
			continue
		}
		if t.Rate >= 0 {
			rate, set = t.Rate, true
		}
		if t.Burst >= 0 {
			burst, set = t.Burst, true
		}
	}
	if !set {
		return nil
	}
	return newBucket(rate, burst, now)
}
