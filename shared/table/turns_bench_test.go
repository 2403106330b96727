package table_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/table"
)

// BenchmarkContendedAppend compares ways for many senders to append to one
// room's log, for docs/decisions/0014. Every request takes 5 ms longer than the
// engine needs, about as long as one to DynamoDB in a region. Messages come at
// a steady rate for three seconds.
//
//   - immediate: up to 64 attempts without a pause
//   - pauses: up to 6 attempts with growing, jittered pauses
//   - turns: the same, after a turn from the room's rate
//   - requeue: up to 6 attempts, each after a turn
//
// acked/s is what was stored, lost/s what ran out of attempts, refused/s what
// got no turn. conflicts is how many transactions were cancelled for each
// message that was stored. p50-ms and p99-ms are of stored messages.
func BenchmarkContendedAppend(b *testing.B) {
	for _, offered := range []int{30, 60, 100, 200} {
		for name, way := range map[string]appendWay{
			"immediate": {attempts: 64},
			"pauses":    {attempts: 6, pause: 5 * time.Millisecond},
			"turns":     {attempts: 6, pause: 5 * time.Millisecond, turns: true},
			"requeue":   {attempts: 6, turns: true, requeue: true},
		} {
			b.Run(fmt.Sprintf("%s/offered=%d", name, offered), func(b *testing.B) {
				for b.Loop() {
					benchmarkContended(b, way, offered)
				}
			})
		}
	}
}

type appendWay struct {
	attempts int
	pause    time.Duration
	turns    bool
	requeue  bool
}

// slow delays each request.
type slow struct{ http.RoundTripper }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(5 * time.Millisecond)
	return s.RoundTripper.RoundTrip(r)
}

func benchmarkContended(b *testing.B, way appendWay, offered int) {
	const long = 3 * time.Second
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 200
	options := connect(b).Options()
	options.HTTPClient = &http.Client{Transport: slow{transport}}
	store := table.New(dynamodb.New(options), tables, nil)
	name := chat.Room(rand.Text())
	var (
		mu                             sync.Mutex
		wg                             sync.WaitGroup
		taken                          []time.Duration
		lost, refused, conflicts, sent int
	)
	for end, next := time.Now().Add(long), time.Now(); time.Now().Before(end); sent++ {
		wg.Go(func() {
			start := time.Now()
			tries, err := way.append(b, store, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				conflicts += tries - 1
				taken = append(taken, time.Since(start))
			case errors.Is(err, room.ErrThrottled):
				refused++
				conflicts += tries
			default:
				conflicts += tries
				lost++
			}
		})
		next = next.Add(time.Second / time.Duration(offered))
		time.Sleep(time.Until(next))
	}
	wg.Wait()
	slices.Sort(taken)
	for unit, n := range map[string]int{"acked/s": len(taken), "lost/s": lost, "refused/s": refused} {
		b.ReportMetric(float64(n)/long.Seconds(), unit)
	}
	b.ReportMetric(float64(conflicts)/float64(len(taken)), "conflicts")
	b.ReportMetric(float64(taken[len(taken)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(taken[(len(taken)*99-1)/100].Microseconds())/1000, "p99-ms")
}

func (w appendWay) append(b *testing.B, store *table.Store, name chat.Room) (tries int, err error) {
	e := &room.Entry{
		Room:      name,
		Epoch:     "epoch",
		ID:        chat.MessageID(rand.Text()),
		User:      "ada",
		Device:    "device",
		SenderKey: make([]byte, 32),
		StoredAt:  time.Now(),
		Expires:   time.Now().Add(time.Hour),
		DataKey:   "1",
		Sealed:    make([]byte, 1500),
	}
	for attempt := range w.attempts {
		time.Sleep(mathrand.N(2*w.pause*time.Duration(attempt) + 1))
		if w.requeue || w.turns && attempt == 0 {
			full, err := store.Spend(b.Context(), room.Rate(name), time.Now(), room.Draw{
				Bucket: "turns",
				Cost:   chat.RoomInterval,
				Most:   chat.RoomQueue,
			})
			if err != nil {
				return attempt, err
			}
			time.Sleep(time.Until(full[0].Add(-chat.RoomInterval)))
		}
		tail, err := store.Tail(b.Context(), name, "epoch")
		if err != nil {
			return attempt, err
		}
		e.Seq = tail.Seq + 1
		if err = store.Append(b.Context(), e, 0, nil); err == nil {
			return attempt + 1, nil
		}
	}
	return w.attempts, room.ErrConflict
}
