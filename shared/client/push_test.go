package client

import (
	"fmt"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

func TestPushesAreFreshOnce(t *testing.T) {
	var p pushes
	now, service := time.Now(), time.UnixMilli(1_800_000_000_000) // the clocks differ
	at := func(n string, d time.Duration) frame.Push { return frame.Push{N: n, At: service.Add(d).UnixMilli()} }
	if fresh, late := p.take(at("a", 0), now); fresh || !late {
		t.Errorf("before the service's time is known: fresh %v, late %v; want late", fresh, late)
	}
	p.anchor(service.UnixMilli(), now)
	for _, test := range []struct {
		name        string
		push        frame.Push
		after       time.Duration
		fresh, late bool
	}{
		{"now", at("a", 0), 0, true, false},
		{"the same again", at("a", 0), 0, false, false},
		{"the same number at another time", at("a", time.Second), time.Second, false, false},
		{"another number", at("b", 0), 0, true, false},
		{"just inside the window", at("c", 0), chat.PushWindow, true, false},
		{"just outside the window", at("d", 0), chat.PushWindow + time.Second, false, true},
		{"from the future", at("e", chat.PushWindow+time.Second), 0, false, true},
		{"later, by the service's time", at("f", time.Hour), time.Hour, true, false},
		{"without a number", at("", 0), 0, false, false},
	} {
		if fresh, late := p.take(test.push, now.Add(test.after)); fresh != test.fresh || late != test.late {
			t.Errorf("%s: fresh %v, late %v; want %v, %v", test.name, fresh, late, test.fresh, test.late)
		}
	}
}

// TestPushesAreBounded wants no number forgotten while it could be replayed,
// and room for new ones afterwards.
func TestPushesAreBounded(t *testing.T) {
	var p pushes
	now := time.Now()
	p.anchor(now.UnixMilli(), now)
	push := func(n int) frame.Push { return frame.Push{N: fmt.Sprint(n), At: now.UnixMilli()} }
	for n := range maxPushes {
		if fresh, _ := p.take(push(n), now); !fresh {
			t.Fatalf("push %d is not fresh, want %d of them", n, maxPushes)
		}
	}
	for _, n := range []int{0, maxPushes} {
		if fresh, _ := p.take(push(n), now); fresh {
			t.Errorf("push %d is fresh although all places are in use, want it dropped", n)
		}
	}
	later := now.Add(2*chat.PushWindow + time.Second)
	if fresh, _ := p.take(frame.Push{N: "new", At: later.UnixMilli()}, later); !fresh || len(p.seen) != 1 {
		t.Errorf("after the window: fresh %v with %d numbers kept, want true with 1", fresh, len(p.seen))
	}
}
