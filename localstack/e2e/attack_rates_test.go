package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// mustBeClosed sends a frame a number of times, wants an error frame each time,
// and wants the connection closed after the last and not before.
func (p *peer) mustBeClosed(text string, times int) {
	p.t.Helper()
	for i := range times {
		if err := p.send(p.ctx, text); err != nil {
			p.t.Fatalf("%s: closed after %d refusals, want %d: %v", text, i, times, err)
		}
		got, err := p.next(p.ctx)
		if err != nil || typeOf(got) != frame.TypeError {
			p.t.Fatalf("%s: got %s, %v after %d refusals, want an error frame", text, got, err, i)
		}
	}
	if code, err := p.closed(p.ctx); err != nil || code != websocket.StatusNormalClosure {
		p.t.Errorf("%s: got close code %v, %v after %d refusals, want 1000", text, code, err, times)
	}
}

// Vulnerability: a connection without a session stayed open after any number of
// refused frames, each of which costs an invocation and no rate.
// Attack: mallory sends such frames to a route and to none.
// This verifies over the wire that the third refusal closes the connection.
func TestAttackStrangerIsClosed(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	for _, text := range []string{
		`{"action":"ping"}`, `nonsense`, `{"action":"handshake"}`, `{"action":"handshake","proof":"x"}`,
	} {
		connect(ctx, t, s, &user{name: "stranger"}).mustBeClosed(text, chat.MaxStrangerRefusals)
	}
}

// Vulnerability: registration is free, so one machine could take any number of
// names.
// Attack: mallory registers names from one address.
// This verifies over the wire that RegistrationsPerHour bounds them, and that a
// user who is known may connect from there.
func TestAttackOneAddressTakesNames(t *testing.T) {
	const most = 3
	s, ctx := ownStack(t, "-parameter", fmt.Sprint("RegistrationsPerHour=", most)), testContext(t)
	var last *user
	for range most {
		last = newUser(t, "mallory")
		openSession(ctx, t, s, last)
	}
	p := connect(ctx, t, s, newUser(t, "mallory"))
	p.begin()
	p.mustRefuse(breach{"one name more", "rate_limited", func(p *peer) any { return prove(p.proof(nil)) }})
	openSession(ctx, t, s, last)
}

// Vulnerability: a user could open any number of connections, and a join wrote
// a row for each. Attack: mallory opens one connection more than allowed. This
// verifies over the wire that the oldest is closed.
func TestAttackOneConnectionTooMany(t *testing.T) {
	s, ctx := sharedStack(t), testContext(t)
	mallory := newUser(t, "mallory")
	oldest := openSession(ctx, t, s, mallory)
	for range chat.MaxConnections {
		openSession(ctx, t, s, mallory)
	}
	if code, err := oldest.closed(ctx); err != nil || code != websocket.StatusNormalClosure {
		t.Errorf("got close code %v, %v; want 1000", code, err)
	}
}

// Vulnerability: one user with twelve devices, or fifteen new names, kept
// everybody else's messages out of a room, and never got rate_limited.
// Attack: they send as fast as they get answers, eight frames ahead.
// This verifies over the wire that attackers are refused with rate_limited and
// lose their connections, and that each message of a victim who sends once a
// second is acknowledged meanwhile.
func TestAttackFloodOverTheWire(t *testing.T) {
	for name, attackers := range map[string]func(context.Context, *stack, chat.Room) []*peer{
		"twelve devices of one user": func(ctx context.Context, s *stack, room chat.Room) []*peer {
			all := []*peer{joinedSession(ctx, t, s, newUser(t, "mallory"), room)}
			for len(all) < 12 {
				all = append(all, linkedSession(ctx, t, s, all[0]))
			}
			return all
		},
		"fifteen new names": func(ctx context.Context, s *stack, room chat.Room) (all []*peer) {
			for range 15 {
				all = append(all, joinedSession(ctx, t, s, newUser(t, "mallory"), room))
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx := sharedStack(t), testContext(t)
			room := newRoom("flooded")
			victim := joinedSession(ctx, t, s, newUser(t, "victim"), room)
			var flood sync.WaitGroup
			limited := make(chan bool, 100)
			for _, a := range attackers(ctx, s, room) {
				flood.Go(func() { limited <- floodUntilClosed(ctx, a, room) })
			}
			closed := make(chan struct{})
			go func() { flood.Wait(); close(closed) }()
			pace := time.NewTicker(time.Second)
			defer pace.Stop()
			for done := false; !done; {
				victim.mustBeAcked(victim.message(room, nil))
				select {
				case <-closed:
					done = true
				case <-pace.C:
				}
			}
			close(limited)
			for was := range limited {
				if !was {
					t.Error("an attacker lost the connection without rate_limited")
				}
			}
		})
	}
}

// mustBeAcked sends a message, again after try_again as every client does, and
// wants its ack. It ignores further acks of earlier messages.
func (p *peer) mustBeAcked(claims frame.MessageClaims) {
	p.t.Helper()
	p.sendFrame(p.sealed(claims))
	for {
		text, err := p.next(p.ctx)
		if err != nil {
			p.t.Fatalf("got %v, want the ack of %s", err, claims.ID)
		}
		switch typeOf(text) {
		case frame.TypeAck:
			if decode[frame.Ack](p.t, []byte(text)).ID == claims.ID {
				return
			}
		case frame.TypeError:
			if decode[frame.Error](p.t, []byte(text)).Code != chat.TryAgain.Code() {
				p.t.Fatalf("got %s, want the ack of %s", text, claims.ID)
			}
			p.sendFrame(p.sealed(claims))
		}
	}
}

// floodUntilClosed sends messages until the service closes the connection, some
// ahead of the answers, and reports whether it got rate_limited.
func floodUntilClosed(ctx context.Context, a *peer, room chat.Room) (limited bool) {
	const ahead = 8
	for inFlight := 0; ; {
		for ; inFlight < ahead; inFlight++ {
			if a.trySend(ctx, a.sealed(a.message(room, nil))) != nil {
				return limited
			}
		}
		text, err := a.next(ctx)
		if err != nil {
			return limited
		}
		switch typeOf(text) {
		case frame.TypeAck:
			inFlight--
		case frame.TypeError:
			inFlight--
			limited = limited || decode[frame.Error](a.t, []byte(text)).Code == chat.RateLimited.Code()
		}
	}
}
