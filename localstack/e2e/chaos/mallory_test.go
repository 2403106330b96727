package chaos

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// mallory replays recorded frames of others: on a connection without a session,
// in her own session, and in another session of the device that sent the frame.
// The service must accept none.
type mallory struct {
	history *history
	proxy   *proxy
	random  *rand.Rand
	own     *profile.User
	writers []*writer

	answers map[string]int // number of answers by error code, "" for none
}

func newMallory(h *history, upstream string, writers []*writer, random *rand.Rand) (*mallory, error) {
	w, err := newProxy(h, "mallory", upstream)
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
	return &mallory{history: h, proxy: w, random: random, own: own, writers: writers, answers: map[string]int{}}, nil
}

// replay replays frames until ctx ends.
func (m *mallory) replay(ctx context.Context) error {
	for ctx.Err() == nil {
		m.once(ctx)
		pause(ctx, m.random, 200, 800)
	}
	return nil
}

// once replays one recorded frame on a new connection, since the service closes
// the connection after it refuses the frame.
func (m *mallory) once(ctx context.Context) {
	victim := m.writers[m.random.IntN(len(m.writers))]
	jwe := m.history.pickCaptured(victim.user, m.random.IntN)
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	p := &peer{url: m.proxy.url, keys: m.own}
	enter := p.enter
	switch m.random.IntN(3) {
	case 0:
		enter = p.dial
	case 1:
		// The sender's device, as two processes with one profile would use it.
		if !victim.rotating.TryLock() {
			return
		}
		defer victim.rotating.Unlock()
		p = &peer{url: victim.proxy.url, keys: victim.keys}
		enter = p.enter
	}
	defer p.drop()
	if jwe == "" || enter(ctx) != nil {
		return // nothing recorded yet, or a fault prevented the connection
	}
	var ack frame.Ack
	refused, is := errors.AsType[errRefused](p.ask(ctx, frame.Request{Action: frame.ActionSendMessage, JWE: jwe}, &ack))
	m.answers[string(refused.code)]++
	if !is && ack.Type == frame.TypeAck {
		m.history.violation("a replayed frame was acknowledged: %s %d", ack.Room, ack.Seq)
	}
}

// refusals counts the answers that refuse for good, not because a fault struck.
func (m *mallory) refusals() (n int) {
	for _, code := range []chat.Code{chat.SessionMismatch.Code(), chat.BadSignature.Code(), chat.BadMAC.Code(),
		chat.HandshakeRequired.Code(), chat.StaleServerKey.Code()} {
		n += m.answers[string(code)]
	}
	return n
}
