package chaos

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// mallory has recorded what others sent and sends it again: over a connection
// without a session, over a session of her own, and over another session of the
// very device that sent it. Nothing of it may be taken.
type mallory struct {
	history *history
	wire    *wire
	chance  *rand.Rand
	own     *profile.User
	writers []*writer

	answers map[string]int // by the error's code, "" where none came
}

func newMallory(h *history, upstream string, writers []*writer, chance *rand.Rand) (*mallory, error) {
	w, err := newWire(h, "mallory", upstream)
	if err != nil {
		return nil, err
	}
	own, err := userIn(profile.Memory(), w, "mallory")
	if err != nil {
		return nil, err
	}
	known, err := own.Device()
	if err != nil {
		return nil, err
	}
	h.learnKeys(known)
	return &mallory{history: h, wire: w, chance: chance, own: own, writers: writers, answers: map[string]int{}}, nil
}

// replay replays until ctx ends.
func (m *mallory) replay(ctx context.Context) error {
	for ctx.Err() == nil {
		m.once(ctx)
		pause(ctx, m.chance, 200, 800)
	}
	return nil
}

// once replays one captured frame, on a connection made for it: what is refused
// for its session is closed.
func (m *mallory) once(ctx context.Context) {
	victim := m.writers[m.chance.IntN(len(m.writers))]
	jwe := m.history.aCapture(victim.user, m.chance.IntN)
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	p := &peer{url: m.wire.url, keys: m.own}
	enter := p.enter
	switch m.chance.IntN(3) {
	case 0:
		enter = p.dial
	case 1:
		// The sender's own device, as two processes with one profile would use
		// it.
		if !victim.rotating.TryLock() {
			return
		}
		defer victim.rotating.Unlock()
		p = &peer{url: victim.wire.url, keys: victim.keys}
		enter = p.enter
	}
	defer p.drop()
	if jwe == "" || enter(ctx) != nil {
		return // it was not to be, this time
	}
	var ack frame.Ack
	refused, is := errors.AsType[errRefused](p.ask(ctx, frame.Request{Action: frame.ActionSendMessage, JWE: jwe}, &ack))
	m.answers[string(refused.code)]++
	if !is && ack.Type == frame.TypeAck {
		m.history.violate("a replayed frame was taken: %s %d", ack.Room, ack.Seq)
	}
}

// refusals are answers that say no for good, not for want of a working stack.
func (m *mallory) refusals() (n int) {
	for _, code := range []chat.Code{chat.SessionMismatch.Code(), chat.BadSignature.Code(),
		chat.HandshakeRequired.Code(), chat.StaleServerKey.Code()} {
		n += m.answers[string(code)]
	}
	return n
}
