package client

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx := within(t)
	for !holds() {
		if wait(ctx, 5*time.Millisecond) != nil {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// answers returns a fault that passes the frames of one kind to one user to f,
// numbered from 1, and sends all other frames unchanged.
func answers(user chat.User, kind string, f func(n int,
	data []byte) [][]byte) func(chat.User, string, []byte) [][]byte {
	n := 0
	return func(u chat.User, k string, data []byte) [][]byte {
		if u != user || k != kind {
			return [][]byte{data}
		}
		n++
		return f(n, data)
	}
}

func TestSendRetriesAfterALostAck(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada", func(d *setup) { d.timing.reply = 50 * time.Millisecond })
	s.Misbehave(clienttest.Faults{Answer: answers("ada", frame.TypeAck, func(n int, data []byte) [][]byte {
		if n == 1 {
			return nil
		}
		return [][]byte{data}
	})})
	if ack := send(t, ada, "once"); !ack.Duplicate || ack.Seq != 1 {
		t.Errorf("ack is %+v, want the duplicate of seq 1", ack)
	}
	if log := s.Log(chat.Lobby); !slices.Equal(log, []string{"once"}) {
		t.Errorf("the log has %q, want the text once", log)
	}
}

func TestSendRetriesAfterALostConnection(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	s.Misbehave(clienttest.Faults{Answer: answers("ada", frame.TypeAck, func(n int, data []byte) [][]byte {
		if n == 1 {
			go s.Disconnect()
			return nil
		}
		return [][]byte{data}
	})})
	if ack := send(t, ada, "once"); !ack.Duplicate || ack.Seq != 1 {
		t.Errorf("ack is %+v, want the duplicate of seq 1", ack)
	}
	sent := s.Frames(frame.ActionSendMessage)
	if len(sent) != 2 || sent[0].Claims.ID != sent[1].Claims.ID || sent[0].Claims.SID == sent[1].Claims.SID {
		t.Errorf("got frames %+v, want two frames with one id and two sessions", sent)
	}
}

func TestFaultyDelivery(t *testing.T) {
	twice := func(_ int, data []byte) [][]byte { return [][]byte{data, data} }
	var held []byte
	for name, fault := range map[string]func(n int, data []byte) [][]byte{
		"repeats": twice,
		"loses":   func(n int, data []byte) [][]byte { return map[bool][][]byte{true: {data}}[n%4 == 0] },
		"reorders": func(n int, data []byte) [][]byte { // pairwise
			if n%2 == 1 {
				held = data
				return nil
			}
			return [][]byte{data, held}
		},
		"garbles": func(n int, data []byte) [][]byte {
			if n%4 == 0 {
				return [][]byte{data}
			}
			return [][]byte{bytes.Replace(data, []byte(`"jwe":"e`), []byte(`"jwe":"x`), 1)}
		},
		"holds back the first of a room": func(n int, data []byte) [][]byte {
			switch n {
			case 1:
				held = data
				return nil
			case 8:
				return [][]byte{data, held}
			}
			return [][]byte{data}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
			sub := subscribe(t, bob, chat.Lobby, NewOnly)
			s.Misbehave(clienttest.Faults{Answer: answers("bob", frame.TypeMessage, fault)})
			texts := numbered(1, 8)
			send(t, ada, texts...)
			expect(t, sub, texts...)
			s.Misbehave(clienttest.Faults{})
			send(t, ada, "end")
			expect(t, sub, "end") // and no duplicate before it
		})
	}
}

func TestAPingFindsALostLastMessage(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	bob := connect(t, s, "bob", func(d *setup) { d.timing.ping = 20 * time.Millisecond })
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	s.Misbehave(clienttest.Faults{Answer: answers("bob", frame.TypeMessage, func(int, []byte) [][]byte { return nil })})
	send(t, ada, "last words")
	expect(t, sub, "last words")
	for _, ping := range s.Frames(frame.ActionPing) {
		if _, asked := ping.Heads["lobby"]; !asked {
			t.Errorf("a ping asks for %v, want the lobby among them", ping.Heads)
		}
	}
}

func TestASubscriptionResumesWhereItWas(t *testing.T) {
	s := clienttest.New(t)
	var notices atomic.Int32
	ada := connect(t, s, "ada")
	bob := connect(t, s, "bob", func(d *setup) {
		d.Notify = func(n Notice) {
			if !n.Connected {
				notices.Add(1)
			}
		}
	})
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	send(t, ada, "before")
	expect(t, sub, "before")
	s.Misbehave(clienttest.Faults{Refuse: func(_ chat.User, r frame.Request) *chat.Error {
		if r.User == "bob" {
			return chat.TryAgain
		}
		return nil
	}})
	s.Disconnect()
	texts := numbered(1, 5)
	send(t, ada, texts...)
	eventually(t, "bob is notified of the lost connection", func() bool { return notices.Load() > 1 })
	s.Misbehave(clienttest.Faults{})
	expect(t, sub, texts...)
	send(t, ada, "after")
	expect(t, sub, "after")
}

func TestRetryFlagsAreObeyed(t *testing.T) {
	refuse := func(e *chat.Error, times int) func(chat.User, frame.Request) *chat.Error {
		return func(_ chat.User, r frame.Request) *chat.Error {
			if r.Action != frame.ActionSendMessage || times == 0 {
				return nil
			}
			times--
			return e
		}
	}
	for name, c := range map[string]struct {
		refusal *chat.Error
		times   int
		want    error
		frames  int
	}{
		"a short rate limit":     {chat.RateLimited, 3, nil, 4},
		"a temporary failure":    {chat.Internal, 2, nil, 3},
		"a lasting rate limit":   {chat.RateLimited, 1000, chat.RateLimited, 1 + tries},
		"a refusal":              {chat.NotAMember, 1000, chat.NotAMember, 1},
		"a session that expired": {chat.HandshakeRequired, 1, nil, 2},
		"an error that closes":   {chat.BadSignature, 1, chat.BadSignature, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			ada := connect(t, s, "ada")
			s.Misbehave(clienttest.Faults{Refuse: refuse(c.refusal, c.times)})
			if _, err := ada.Send(within(t), chat.Lobby, "x"); !errors.Is(err, c.want) {
				t.Errorf("send: %v, want %v", err, c.want)
			}
			if n := len(s.Frames(frame.ActionSendMessage)); n != c.frames {
				t.Errorf("%d frames were sent, want %d", n, c.frames)
			}
			s.Misbehave(clienttest.Faults{})
			send(t, ada, "still connected")
		})
	}
}

func TestAFrameWithoutTypeMeansTryAgain(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	gateway := []byte(`{"message": "Internal server error", "connectionId":"eHrdFcnvvHcCE-w=", "requestId":"eHrjDEuVPHcFWMg="}`)
	s.Misbehave(clienttest.Faults{Answer: answers("ada", frame.TypeAck, func(n int, data []byte) [][]byte {
		if n < 3 {
			return [][]byte{gateway}
		}
		return [][]byte{data}
	})})
	if ack := send(t, ada, "x"); !ack.Duplicate {
		t.Errorf("ack is %+v, want a duplicate", ack)
	}
	if n := len(s.Frames(frame.ActionSendMessage)); n != 3 {
		t.Errorf("%d frames were sent, want 3", n)
	}
}

func TestAnotherEpochStartsOver(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	var late []byte
	s.Misbehave(clienttest.Faults{Answer: answers("bob", frame.TypeMessage, func(n int, data []byte) [][]byte {
		if n == 1 {
			late = data
		}
		if n == 4 {
			return [][]byte{late, data} // a frame of the old log arrives after the new one began
		}
		return [][]byte{data}
	})})
	send(t, ada, "old 1", "old 2")
	expect(t, sub, "old 1", "old 2")
	s.NewEpoch(chat.Lobby)
	send(t, ada, "new 1", "new 2")
	expect(t, sub, "new 1", "new 2")
	// The same while disconnected, with a log that is longer than before.
	s.NewEpoch(chat.Lobby)
	s.Disconnect()
	texts := numbered(1, 4)
	send(t, ada, texts...)
	expect(t, sub, texts...)
}

func TestASubscriptionSkipsExpiredMessages(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	send(t, ada, numbered(1, 6)...)
	s.Trim(chat.Lobby, 5)
	expect(t, subscribe(t, ada, chat.Lobby, 2), "text 5", "text 6")
}

func TestAForgedMessageIsAPlaceholder(t *testing.T) {
	var other frame.MessagePlain // a genuine message from bob
	for name, forge := range map[string]func(m *frame.MessagePlain){
		"another sender":       func(m *frame.MessagePlain) { m.From = "carol" },
		"another device":       func(m *frame.MessagePlain) { m.Device = other.Device },
		"another signing key":  func(m *frame.MessagePlain) { m.Device, m.JWK = other.Device, other.JWK },
		"another id":           func(m *frame.MessagePlain) { m.ID = other.ID },
		"another room inside":  func(m *frame.MessagePlain) { m.Room = "kitchen" },
		"another epoch inside": func(m *frame.MessagePlain) { m.Epoch = "AAAAAAAAAAAA" },
		"another seq inside":   func(m *frame.MessagePlain) { m.Seq++ },
		"a broken signature":   func(m *frame.MessagePlain) { m.JWS = m.JWS[:len(m.JWS)-4] + "AAAA" },
		"another text":         func(m *frame.MessagePlain) { m.JWS = other.JWS },
	} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
			s.Misbehave(clienttest.Faults{Forge: func(_ chat.User, m *frame.MessagePlain) { other = *m }})
			sub := subscribe(t, bob, chat.Lobby, NewOnly)
			send(t, bob, "mine")
			expect(t, sub, "mine")
			s.Misbehave(clienttest.Faults{Forge: func(_ chat.User, m *frame.MessagePlain) {
				if m.Seq == 2 {
					forge(m)
				}
			}})
			send(t, ada, "two", "three")
			if m := next(t, sub); m.Problem == nil || m.Seq != 2 || m.Body != "" || m.From != "" {
				t.Errorf("the forged message is %+v, want a placeholder with seq 2", m)
			}
			expect(t, sub, "three")
			if n := len(s.Frames(frame.ActionHistory)); n != 1 {
				t.Errorf("the history was asked %d times, want once", n)
			}
		})
	}
}

func TestAWithheldMessageDoesNotHideOthers(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	drop := func(u chat.User, kind string, data []byte) [][]byte {
		if u != "bob" {
			return [][]byte{data}
		}
		switch kind {
		case frame.TypeMessage:
			var m frame.Message
			if strict.Unmarshal(data, &m) == nil && m.Seq == 2 {
				return nil
			}
		case frame.TypeHistory: // an empty page
			var h frame.History
			if strict.Unmarshal(data, &h) != nil {
				return nil
			}
			h.To, h.JWE = h.From-1, ""
			data, _ = strict.Marshal(h)
		}
		return [][]byte{data}
	}
	s.Misbehave(clienttest.Faults{Answer: drop})
	send(t, ada, "one", "two", "three")
	expect(t, sub, "one")
	if m := next(t, sub); m.Problem == nil || m.Seq != 2 {
		t.Errorf("the withheld message is %+v, want a placeholder with seq 2", m)
	}
	expect(t, sub, "three")
}
