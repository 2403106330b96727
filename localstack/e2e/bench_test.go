package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// samples is the least number of sends that a percentile is taken from.
const samples = 100

// BenchmarkSend measures one whole send through the stack, over real processes
// and sockets: from Send until the last recipient has opened and verified the
// text. All clients run in this process, so its allocations are those of one
// sender and all recipients; the stack seals to the recipients in its own
// processes.
//
// ns/op is the mean. ack-p50 and ack-p99 are the time until the ack; all-p50
// and all-p99 the time until the last recipient has the message. Functions are
// warm. Sends are at least sendPace apart, without which the rates would refuse
// some.
func BenchmarkSend(b *testing.B) {
	for _, recipients := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("recipients=%d", recipients), func(b *testing.B) { benchmarkSend(b, recipients) })
	}
}

// sendPace is the time between two sends of BenchmarkSend: ten new users may
// send 30 messages a second to a room.
const sendPace = 50 * time.Millisecond

func benchmarkSend(b *testing.B, recipients int) {
	s, ctx := sharedStack(b), b.Context()
	room := chat.Room(newName("bench"))
	open := func() *client.Client {
		c, err := client.Open(ctx, client.Options{URL: s.webSocket, User: newName("bench")})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		if _, err := enterAsClient(ctx, c, room); err != nil {
			b.Fatal(err)
		}
		return c
	}
	var senders []*client.Client
	for range 10 {
		senders = append(senders, open())
	}
	arrived := make(chan error)
	for range recipients {
		sub, err := open().Subscribe(room, client.NewOnly)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(sub.Close)
		go func() {
			for {
				m, err := sub.Next(ctx)
				if err == nil {
					err = m.Problem
				}
				select {
				case arrived <- err:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
	}
	var acks, all []time.Duration
	turn := 0
	send := func() {
		start := time.Now()
		if _, err := senders[turn%len(senders)].Send(ctx, room,
			"The quick brown fox jumps over the lazy dog."); err != nil {
			b.Fatal(err)
		}
		turn++
		acks = append(acks, time.Since(start))
		for range recipients {
			if err := <-arrived; err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, time.Since(start))
	}
	for range senders { // warms the functions
		send()
	}
	acks, all = nil, nil
	b.ReportAllocs()
	pace := time.NewTicker(sendPace)
	defer pace.Stop()
	for b.Loop() {
		b.StopTimer()
		<-pace.C
		b.StartTimer()
		send()
	}
	for len(all) < samples {
		<-pace.C
		send()
	}
	for name, durations := range map[string][]time.Duration{"ack": acks, "all": all} {
		b.ReportMetric(percentile(durations, 50), name+"-p50-ms")
		b.ReportMetric(percentile(durations, 99), name+"-p99-ms")
	}
}

// percentile returns the smallest duration that p percent of the durations do
// not exceed, in milliseconds. It sorts durations.
func percentile(durations []time.Duration, p int) float64 {
	slices.Sort(durations)
	rank := (len(durations)*p + 99) / 100
	return float64(durations[max(rank, 1)-1].Microseconds()) / 1000
}
