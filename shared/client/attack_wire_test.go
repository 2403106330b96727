package client

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// In these attacks mallory ends TLS between a client and the service: she
// reads, drops, repeats and adds frames in both directions, and has no key.

// tap records the frames to a user by their type, and lets change replace them.
type tap struct {
	mu     sync.Mutex
	frames map[string][][]byte
	change func(kind string, data []byte) [][]byte
}

// wiretap taps the connections of a user.
func wiretap(s *clienttest.Service, user chat.User) *tap {
	w := &tap{frames: map[string][][]byte{}}
	s.Misbehave(clienttest.Faults{Wire: func(to chat.User, kind string, data []byte) [][]byte {
		w.mu.Lock()
		defer w.mu.Unlock()
		if to != user {
			return [][]byte{data}
		}
		w.frames[kind] = append(w.frames[kind], bytes.Clone(data))
		if w.change != nil {
			return w.change(kind, data)
		}
		return [][]byte{data}
	}})
	return w
}

func (w *tap) replace(change func(kind string, data []byte) [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.change = change
}

// of returns the recorded frames of a type.
func (w *tap) of(kind string) [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.frames[kind])
}

// forged returns a message that mallory signs herself in a user's name.
func forged(t *testing.T, from chat.User, epoch chat.Epoch, seq chat.Seq, body string) frame.MessagePlain {
	t.Helper()
	key, err := envelope.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	id := device.NewMessageID()
	claims, err := strict.Marshal(frame.MessageClaims{
		V:    frame.Version,
		SID:  "s",
		Sub:  from,
		SKID: key.Thumbprint(),
		Room: chat.Lobby,
		ID:   id,
		Body: body,
	})
	if err != nil {
		t.Fatal(err)
	}
	jws, err := envelope.Sign(key, envelope.TypeMessage, claims)
	if err != nil {
		t.Fatal(err)
	}
	return frame.MessagePlain{
		Room:     chat.Lobby,
		Epoch:    epoch,
		Seq:      seq,
		ID:       id,
		From:     from,
		Device:   chat.Device(key.Thumbprint()),
		StoredAt: time.Now().UnixMilli(),
		JWK:      key.Public().JWK(),
		JWS:      jws,
	}
}

// Vulnerability: a JWE to a device can be made by anybody who has its public
// key, and nothing else authenticated the service's frames. Attack: mallory,
// who ends TLS, replays ada's old signed text as a new message (M1), speaks as
// a user whom bob has not met (M2), declares a new epoch and replays in it
// (M5). This verifies that bob's client shows none of it, keeps its epoch, and
// shows what ada really sends.
func TestAttackForgedDeliveries(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	sub := subscribe(t, bob, chat.Lobby, 0)
	send(t, ada, "yes, pay him", "NO, stop")
	expect(t, sub, "yes, pay him", "NO, stop")
	old := s.Stored(chat.Lobby)[0]
	replayed, reborn := old, old
	replayed.Seq = 3
	reborn.Epoch, reborn.Seq = chat.NewEpoch(), 1
	s.Inject("bob", s.Sealed("bob", replayed), s.Sealed("bob", reborn),
		s.Sealed("bob", forged(t, "eve", old.Epoch, 3, "I am eve")),
		s.Sealed("bob", forged(t, "ada", old.Epoch, 4, "I am ada")))
	send(t, ada, "the third")
	if m := next(t, sub); m.Body != "the third" || m.Seq != 3 || m.Epoch != old.Epoch || m.Problem != nil {
		t.Errorf("got %+v, want the third text at seq 3 in the same epoch", m)
	}
	if known, err := bob.device.Known("eve"); err != nil || len(known) != 0 {
		t.Errorf("got the devices %v of eve, %v; want none pinned", known, err)
	}
}

// Vulnerability: an authenticated frame could be changed or used again
// elsewhere. Attack: mallory strips or alters the mac, relabels a frame, and
// sends a frame of an earlier session. This verifies that the client shows each
// message once and ignores the rest.
func TestAttackChangedDeliveries(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob")
	w := wiretap(s, "bob")
	sub := subscribe(t, bob, chat.Lobby, 0)
	send(t, ada, "one")
	expect(t, sub, "one")
	first := w.of(frame.TypeMessage)[0]
	s.Disconnect()
	send(t, ada, "two") // and bob has a new session
	expect(t, sub, "two")
	second := w.of(frame.TypeMessage)
	last := second[len(second)-1]
	relabel := func(data []byte, from, to string) []byte { return []byte(strings.Replace(string(data), from, to, 1)) }
	s.Inject("bob",
		relabel(first, `"seq":1`, `"seq":3`), // of an earlier session
		first,
		relabel(last, `"seq":2`, `"seq":3`),
		relabel(last, `"message"`, `"typing"`),
		append(bytes.Clone(last[:len(last)-32]), '}'), // without a mac
		append(bytes.Clone(last), ' '),
		last, // once more
	)
	send(t, ada, "three")
	if m := next(t, sub); m.Body != "three" || m.Seq != 3 {
		t.Errorf("got %+v, want the third text", m)
	}
	eventually(t, "bob's last seq is 3", func() bool { return bob.heads()[chat.Lobby] == 3 })
}

// Vulnerability: a client believed every error frame. One could make it give
// up, delete keys or register again. Attack: mallory answers requests with
// error frames without a mac, and puts some into the idle connection. This
// verifies that the client does not give up: it reconnects, says why, and
// completes the request.
func TestAttackForgedErrors(t *testing.T) {
	for _, code := range []*chat.Error{chat.DeviceRevoked, chat.NameTaken, chat.StaleDeviceKey, chat.NotAMember,
		chat.HandshakeRequired, chat.Internal} {
		t.Run(string(code.Code()), func(t *testing.T) {
			s := clienttest.New(t)
			var mu sync.Mutex
			var notices []Notice
			ada := connect(t, s, "ada", func(d *setup) {
				d.Notify = func(n Notice) {
					mu.Lock()
					defer mu.Unlock()
					notices = append(notices, n)
				}
			})
			w := wiretap(s, "ada")
			forgeries := 2
			w.replace(func(kind string, data []byte) [][]byte {
				if kind != frame.TypeAck || forgeries == 0 {
					return [][]byte{data}
				}
				forgeries--
				var ack frame.Ack
				_ = strict.Unmarshal(data, &ack)
				refusal, _ := strict.Marshal(frame.NewError(code, ack.Ref))
				return [][]byte{refusal}
			})
			if ack := send(t, ada, "a text"); ack.Seq != 1 || !ack.Duplicate {
				t.Errorf("got %+v, want the ack of what was stored before", ack)
			}
			if err := ada.Err(); err != nil {
				t.Errorf("the client has ended: %v, want it connected", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(notices) == 0 || !errors.Is(notices[0].Err, device.ErrUnproven) {
				t.Errorf("got the notices %+v, want one that says that the answer was unproven", notices)
			}
		})
	}
}

// Vulnerability: an answer could be held back and given to a later request.
// Attack: mallory answers a request with the authenticated answer of an earlier
// one, and swaps the answers of two kinds. This verifies that refs tie an
// answer to its request: the old page of history is ignored, and bob's client
// reads the new one.
func TestAttackAnswersOfOtherRequests(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	send(t, ada, "one")
	w := wiretap(s, "bob")
	bob := connect(t, s, "bob")
	expect(t, subscribe(t, bob, chat.Lobby, 0), "one") // by a page of history
	old := w.of(frame.TypeHistory)[0]
	w.replace(func(kind string, data []byte) [][]byte {
		if kind == frame.TypeHistory {
			return [][]byte{old, data}
		}
		return [][]byte{data}
	})
	send(t, ada, "two")
	expect(t, subscribe(t, bob, chat.Lobby, 1), "two")
	w.replace(func(kind string, data []byte) [][]byte {
		if kind == frame.TypeHistory {
			return [][]byte{[]byte(strings.Replace(string(data), `"head":`, `"head":1`, 1)), data}
		}
		return [][]byte{data}
	})
	sub := subscribe(t, bob, chat.Lobby, 0)
	expect(t, sub, "one", "two")
}

// Vulnerability: frames that a client itself sends could come back to it.
// Attack: mallory reflects bob's frames to him.
// This verifies that his client does not take them for frames of the service.
func TestAttackReflectedFrames(t *testing.T) {
	s := clienttest.New(t)
	bob := connect(t, s, "bob")
	session := bob.current.link.session.Load()
	reflected, err := session.Authenticate([]byte(`{"type":"message","room":"lobby","epoch":"e","seq":1,"jwe":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Verify(reflected); !errors.Is(err, device.ErrUnproven) {
		t.Errorf("a frame of the client: got %v, want ErrUnproven", err)
	}
	refusal, err := session.Authenticate([]byte(`{"type":"error","code":"device_revoked"}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Inject("bob", reflected, refusal)
	eventually(t, "bob has reconnected", func() bool { return len(s.Frames(frame.ActionHandshake)) == 4 })
	send(t, bob, "still here")
}

// Vulnerability: a proxy could withhold the last messages without a sign.
// Attack: mallory drops every message to bob.
// This verifies that the heads in a pong make the missing tail visible: bob's
// client reads it from the history.
func TestAttackWithheldTail(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada"), connect(t, s, "bob", func(d *setup) { d.timing.ping = 50 * time.Millisecond })
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	wiretap(s, "bob").replace(func(kind string, data []byte) [][]byte {
		if kind == frame.TypeMessage {
			return nil
		}
		return [][]byte{data}
	})
	send(t, ada, "one", "two")
	expect(t, sub, "one", "two")
}

// Vulnerability: a push names no place, so a recorded one could be shown again.
// Attack: mallory repeats a typing frame at once, and later. This verifies that
// bob's client emits it once, and that a late one makes it ask for the
// service's time instead of dropping pushes for good.
func TestAttackReplayedPushes(t *testing.T) {
	s := clienttest.New(t)
	ada, bob := connect(t, s, "ada", hintEvery(0)), connect(t, s, "bob",
		func(d *setup) { d.timing.reply = 50 * time.Millisecond })
	w := wiretap(s, "bob")
	events := eventsOf(t, bob)
	if err := ada.Typing(within(t), chat.Lobby); err != nil {
		t.Fatal(err)
	}
	waitFor(t, events, func(e Typing) bool { return e.User == "ada" })
	old := w.of(frame.TypeTyping)[0]
	s.Inject("bob", old, old, old)
	if _, err := ada.CreateRoom(within(t), "den"); err != nil {
		t.Fatal(err)
	}
	send(t, ada, "the next event")
	if n := bob.current.pushes.seenNumbers(); n != 1 {
		t.Errorf("got %d pushes taken, want 1", n)
	}
	// The client's clock seems to stand far from the service's, as after a
	// sleep.
	bob.current.pushes.anchor(time.Now().Add(-time.Hour).UnixMilli(), time.Now())
	pings := len(s.Frames(frame.ActionPing))
	eventually(t, "a late push makes bob ping, and the next one is shown", func() bool {
		if err := ada.Typing(within(t), chat.Lobby); err != nil {
			t.Fatal(err)
		}
		return len(s.Frames(frame.ActionPing)) > pings && bob.current.pushes.seenNumbers() > 1
	})
}

// seenNumbers returns how many pushes were taken.
func (p *pushes) seenNumbers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}
