package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/room"
)

// second draws one token, of which one comes back each second.
func second(bucket string, most int) room.Draw {
	return room.Draw{Bucket: bucket, Cost: time.Second, Most: time.Duration(most) * time.Second}
}

func spendDrawsFromBuckets(t *testing.T, s room.Store, clock *Clock) {
	rate, start := fresh[room.Rate]("rate"), clock.Now()
	for i := range 3 {
		full, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 3))
		ok(t, err)
		equal(t, "full after", full[0].Sub(start), time.Duration(i+1)*time.Second)
	}
	_, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 3))
	want(t, err, room.ErrThrottled)
	_, err = s.Spend(t.Context(), fresh[room.Rate]("rate"), clock.Now(), second("a", 3))
	ok(t, err)
	clock.Advance(time.Second - time.Millisecond)
	_, err = s.Spend(t.Context(), rate, clock.Now(), second("a", 3))
	want(t, err, room.ErrThrottled)
	clock.Advance(time.Millisecond)
	full, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 3))
	ok(t, err)
	equal(t, "full after", full[0].Sub(start), 4*time.Second)
	clock.Advance(time.Hour) // tokens above the burst are lost
	full, err = s.Spend(t.Context(), rate, clock.Now(), second("a", 3))
	ok(t, err)
	equal(t, "full after", full[0].Sub(clock.Now()), time.Second)
	_, err = s.Spend(t.Context(), rate, clock.Now(), room.Draw{
		Bucket: "a",
		Cost:   3 * time.Second,
		Most:   3 * time.Second,
	})
	want(t, err, room.ErrThrottled)
}

func spendTakesAllOrNothing(t *testing.T, s room.Store, clock *Clock) {
	rate := fresh[room.Rate]("rate")
	for _, busy := range []bool{false, true} {
		_, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 9), second("b", 2))
		if err != nil {
			t.Fatalf("with busy buckets %v: %v", busy, err)
		}
	}
	_, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 9), second("b", 2))
	want(t, err, room.ErrThrottled)
	full, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 9))
	ok(t, err)
	equal(t, "full after", full[0].Sub(clock.Now()), 3*time.Second)
}

func optionalDrawsAreLeftOut(t *testing.T, s room.Store, clock *Clock) {
	rate := fresh[room.Rate]("rate")
	optional := second("b", 2)
	optional.Optional = true
	for i := range 4 {
		full, err := s.Spend(t.Context(), rate, clock.Now(), second("a", 9), optional)
		ok(t, err)
		equal(t, "full after", full[0].Sub(clock.Now()), time.Duration(i+1)*time.Second)
		equal(t, "left out", full[1].IsZero(), i >= 2)
	}
	full, err := s.Spend(t.Context(), rate, clock.Now(), optional)
	ok(t, err)
	equal(t, "left out", full[0].IsZero(), true)
}

func spendsAtOnceAllCount(t *testing.T, s room.Store, clock *Clock) {
	rate := fresh[room.Rate]("rate")
	const callers = 12
	seen := map[time.Time]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			full, err := s.Spend(t.Context(), rate, clock.Now(), second("a", callers-1))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, room.ErrThrottled):
				seen[time.Time{}] = true
			case err != nil:
				t.Error(err)
			default:
				seen[full[0]] = true
			}
		})
	}
	wg.Wait()
	equal(t, "outcomes, each once, one of them a refusal", len(seen), callers)
	equal(t, "a refusal among them", seen[time.Time{}], true)
}
