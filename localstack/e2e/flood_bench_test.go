package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// BenchmarkFlood measures what a flood costs other users: the time from a
// victim's send to its ack, first without and then with the flood. Four victims
// send once a second in the flooded room, four in another.
//
// same-ratio and other-ratio are the p99 with the flood over the p99 without.
// flood-acks/s and flood-refusals/s are what the attackers got. All clients run
// on the machine of the stack, so part of the ratio is their need for its
// processors.
func BenchmarkFlood(b *testing.B) {
	b.Run("DevicesOfOneUser", func(b *testing.B) {
		benchmarkFlood(b, 120, func(ctx context.Context, s *stack) []*peer {
			first := openSession(ctx, b, s, newUser(b, "mallory"))
			attackers := []*peer{first}
			for len(attackers) < 12 {
				attackers = append(attackers, linkedSession(ctx, b, s, first))
			}
			return attackers
		})
	})
	b.Run("NewNames", func(b *testing.B) {
		benchmarkFlood(b, 240, func(ctx context.Context, s *stack) []*peer {
			var attackers []*peer
			for range 15 {
				attackers = append(attackers, openSession(ctx, b, s, newUser(b, "mallory")))
			}
			return attackers
		})
	})
}

// linkedSession opens a session of a new device that another one links.
func linkedSession(ctx context.Context, t testing.TB, s *stack, by *peer) *peer {
	t.Helper()
	u := newUser(t, "device")
	u.name = by.user.name
	link := by.sign(envelope.TypeLink, frame.LinkClaims{
		Sub: u.name,
		Aud: by.audience,
		Dev: chat.Device(u.signing.Thumbprint()),
		Exp: time.Now().Add(time.Minute).Unix(),
	})
	p := connect(ctx, t, s, u)
	p.begin()
	p.sendFrame(prove(p.proof(func(c *frame.HandshakeClaims) { c.Link = link })))
	p.takeSession(expect[frame.Welcome](p, frame.TypeWelcome))
	return p
}

// floodPhase is how long each of the two phases takes.
const floodPhase = 15 * time.Second

func benchmarkFlood(b *testing.B, frames int, open func(context.Context, *stack) []*peer) {
	s, ctx := sharedStack(b), b.Context()
	for b.Loop() {
		flooded, other := newRoom("flooded"), newRoom("other")
		victims := map[chat.Room][]*peer{}
		for _, room := range []chat.Room{flooded, other} {
			for range 4 {
				victims[room] = append(victims[room], joinedSession(ctx, b, s, newUser(b, "victim"), room))
			}
		}
		measure(ctx, victims, 5*time.Second) // warms the functions
		quiet := measure(ctx, victims, floodPhase)
		attackers := open(ctx, s)
		for _, a := range attackers {
			a.enterRoom(flooded)
		}
		end := startFlood(ctx, attackers, flooded, frames)
		under := measure(ctx, victims, floodPhase)
		acked, refused := end()
		for name, room := range map[string]chat.Room{"same": flooded, "other": other} {
			before, after := quiet[room], under[room]
			b.ReportMetric(percentile(before, 50), name+"-quiet-p50-ms")
			b.ReportMetric(percentile(before, 99), name+"-quiet-p99-ms")
			b.ReportMetric(percentile(after, 50), name+"-p50-ms")
			b.ReportMetric(percentile(after, 99), name+"-p99-ms")
			b.ReportMetric(percentile(after, 99)/percentile(before, 99), name+"-ratio")
		}
		b.ReportMetric(float64(acked)/floodPhase.Seconds(), "flood-acks/s")
		b.ReportMetric(float64(refused)/floodPhase.Seconds(), "flood-refusals/s")
	}
}

// joinedSession opens a session and joins a room.
func joinedSession(ctx context.Context, t testing.TB, s *stack, u *user, room chat.Room) *peer {
	t.Helper()
	p := openSession(ctx, t, s, u)
	p.enterRoom(room)
	return p
}

// measure lets each victim send once a second for a time, and returns how long
// the acks took, by room. A message without an ack counts as ten seconds.
func measure(ctx context.Context, victims map[chat.Room][]*peer, long time.Duration) map[chat.Room][]time.Duration {
	var mu sync.Mutex
	taken := map[chat.Room][]time.Duration{}
	var wg sync.WaitGroup
	place := 0
	for room, peers := range victims {
		for _, p := range peers {
			place++
			offset := time.Duration(place) * 117 * time.Millisecond
			wg.Go(func() {
				time.Sleep(offset)
				for end := time.Now().Add(long); time.Now().Before(end); {
					start := time.Now()
					d := ackTime(ctx, p, room)
					mu.Lock()
					taken[room] = append(taken[room], d)
					mu.Unlock()
					time.Sleep(time.Until(start.Add(time.Second)))
				}
			})
		}
	}
	wg.Wait()
	return taken
}

// ackTime sends a message and returns the time until its ack.
func ackTime(ctx context.Context, p *peer, room chat.Room) time.Duration {
	const worst = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, worst)
	defer cancel()
	claims := p.message(room, nil)
	start := time.Now()
	p.sendFrame(p.sealed(claims))
	for {
		text, err := p.next(ctx)
		switch {
		case err != nil || typeOf(text) == frame.TypeError:
			p.t.Logf("a victim's message got %s, %v", text, err)
			return worst
		case typeOf(text) == frame.TypeAck && strings.Contains(text, string(claims.ID)):
			return time.Since(start)
		}
	}
}

// startFlood lets attackers send to a room, frames a second of them together,
// until end is called, which returns how many messages were acknowledged and
// how many refused.
func startFlood(ctx context.Context, attackers []*peer, room chat.Room,
	frames int) (end func() (acked, refused int64)) {
	ctx, cancel := context.WithCancel(ctx)
	var acked, refused atomic.Int64
	var wg sync.WaitGroup
	every := time.Duration(len(attackers)) * time.Second / time.Duration(frames)
	for i, a := range attackers {
		wg.Go(func() { // reads
			for {
				text, err := a.next(ctx)
				if err != nil {
					return
				}
				switch typeOf(text) {
				case frame.TypeAck:
					acked.Add(1)
				case frame.TypeError:
					refused.Add(1)
				}
			}
		})
		wg.Go(func() { // sends
			time.Sleep(every * time.Duration(i) / time.Duration(len(attackers)))
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			for n := 0; ; n++ {
				claims := a.message(room, func(c *frame.MessageClaims) { c.Body = fmt.Sprint("noise ", n) })
				if a.trySend(ctx, a.sealed(claims)) != nil {
					return
				}
				select {
				case <-ticker.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return func() (int64, int64) {
		cancel()
		wg.Wait()
		return acked.Load(), refused.Load()
	}
}
