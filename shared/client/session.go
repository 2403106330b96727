package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// session is a connection with a completed handshake.
type session struct {
	*link
	sid   chat.Session
	since time.Time
	rooms []frame.RoomState // as the welcome listed them

	mu   sync.Mutex
	keys *device.KeySet

	pushes  pushes
	askTime chan struct{} // holds one token while a late push waits for a ping

	// Frames that arrive before the client has applied the welcome are queued
	// in early, because their messages are not in the welcome's heads.
	gate  sync.Mutex
	open  bool
	early []reply
}

// maxEarly bounds the queued frames. Only a faulty service sends so many before
// the client has applied the welcome.
const maxEarly = 1000

// keySet returns the newest key set of this session.
func (s *session) keySet() *device.KeySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

// updateKeySet replaces the key set if keys is newer.
func (s *session) updateKeySet(keys *device.KeySet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys.Gen > s.keys.Gen {
		s.keys = keys
	}
}

// ask sends a request on one connection and decodes the answer into v.
func ask(ctx context.Context, l *link, r frame.Request, kind string, v any) error {
	data, err := l.request(ctx, r, kind)
	if err != nil {
		return err
	}
	if err := strict.Unmarshal(data, v); err != nil {
		return wrap("read the answer", errors.Join(device.ErrProtocol, err))
	}
	return nil
}

// connect opens a connection and completes the handshake on it (protocol §4).
func (c *Client) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timing.dial, errTimeout)
	defer cancel()
	s := &session{askTime: make(chan struct{}, 1)}
	l, err := dial(ctx, c.url, c.timing)
	if err != nil {
		return nil, err
	}
	s.link = l
	c.start(func() { l.read(func(r reply) { c.pushed(s, r) }) })
	if err := c.handshake(ctx, s); err != nil {
		l.end(err)
		return nil, err
	}
	return s, nil
}

func (c *Client) handshake(ctx context.Context, s *session) error {
	var challenge frame.Challenge
	begin := frame.Request{Action: frame.ActionHandshake, V: frame.Version, User: c.device.User()}
	if err := ask(ctx, s.link, begin, frame.TypeChallenge, &challenge); err != nil {
		return wrap("begin the handshake", err)
	}
	// The signed key set names the version that counts.
	keys, err := c.device.AcceptKeySet(challenge.KeySet)
	if err != nil {
		return err
	}
	offered := c.device.NewestGen()
	proof, proven, err := c.device.Prove(challenge.Nonce, keys, c.link)
	if err != nil {
		return wrap("make the proof", err)
	}
	s.link.session.Store(proven) // every answer from now on is authenticated
	var welcome frame.Welcome
	err = ask(ctx, s.link, frame.Request{Action: frame.ActionHandshake, Proof: proof}, frame.TypeWelcome, &welcome)
	if errors.Is(err, chat.StaleDeviceKey) {
		// Another process may have rotated the key of this profile.
		if reload := c.device.Reload(); reload != nil {
			return reload
		}
		if c.device.NewestGen() > offered {
			return wrap("prove the device", errRotated)
		}
	}
	if err != nil {
		return wrap("prove the device", err)
	}
	plain, err := c.device.OpenWelcome(welcome, challenge.Nonce)
	if err != nil {
		return err
	}
	if c.link != "" {
		if err := c.device.Linked(c.link); err != nil {
			return err
		}
		c.link = "" // the service knows this device now
	}
	s.sid, s.keys, s.rooms, s.since = plain.SID, keys, plain.Rooms, time.Now()
	s.pushes.anchor(plain.At, s.since)
	return nil
}

// errRotated means that the profile has a newer key than the one offered.
var errRotated = errors.New("another process has rotated the device's key")

// connectFirst connects for Open. It retries only if the service asks for it,
// and up to tries times.
func (c *Client) connectFirst(ctx context.Context) (*session, error) {
	for n := 0; ; n++ {
		s, err := c.connect(ctx)
		if err == nil {
			return s, nil
		}
		if _, gone := errors.AsType[*unreachableError](err); gone || isFinal(err) || n == tries || ctx.Err() != nil {
			return nil, err
		}
		c.log.Info("retrying the handshake", "err", err)
		if wait(ctx, c.timing.retry.delay(n)) != nil {
			return nil, err
		}
	}
}

// isFinal reports whether another attempt to connect would fail in the same
// way.
func isFinal(err error) bool {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return !refused.temporary()
	}
	if wire, ok := errors.AsType[*wireError](err); ok {
		switch wire.cause.Code() {
		case chat.NonceExpired.Code(), chat.AlreadyBound.Code(), chat.StaleServerKey.Code(),
			chat.HandshakeRequired.Code():
			return false // a new connection gets a new challenge
		}
		return !wire.retry
	}
	for _, temporary := range []error{errLost, errTimeout, errRotated, chat.TryAgain, context.DeadlineExceeded} {
		if errors.Is(err, temporary) {
			return false
		}
	}
	_, unreachable := errors.AsType[*unreachableError](err)
	return !unreachable
}

// isUnproven reports whether an error is one that the service sent without a
// MAC, before the client had made a proof. A client that was connected before
// does not give up because of it.
func isUnproven(err error) bool {
	wire, ok := errors.AsType[*wireError](err)
	return ok && !wire.proven
}

// run keeps the client connected until it ends.
func (c *Client) run(s *session) {
	for n := 0; ; {
		c.keepAlive(s)
		c.clearSession()
		if c.ctx.Err() != nil {
			s.close()
			return
		}
		if time.Since(s.since) > c.timing.steady {
			n = 0
		}
		cause := context.Cause(s.link.ctx)
		for s = nil; s == nil; n++ {
			delay := c.timing.reconnect.delay(n)
			c.log.Info("reconnecting", "err", cause, "duration", delay)
			c.notify(Notice{Err: cause, Wait: delay})
			if wait(c.ctx, delay) != nil {
				return
			}
			var err error
			if s, err = c.connect(c.ctx); err != nil {
				cause = err
				// A stage that is being deployed refuses connections for a
				// while, and it accepted this client before.
				if _, refused := errors.AsType[*refusedError](err); !refused && isFinal(err) && !isUnproven(err) {
					c.cancel(err)
					return
				}
			}
		}
		c.publish(s)
		c.renewHints()
		c.notify(Notice{Connected: true})
	}
}

// publish makes s the current session and handles the frames that arrived
// before.
func (c *Client) publish(s *session) {
	c.applyWelcome(s)
	s.gate.Lock()
	defer s.gate.Unlock()
	for _, r := range s.early {
		c.handle(s, r)
	}
	s.early, s.open = nil, true
}

// clearSession marks the client as disconnected. Then it is unknown who is
// present.
func (c *Client) clearSession() {
	c.mu.Lock()
	c.current = nil
	c.mu.Unlock()
	c.forgetPresence()
}

// applyWelcome makes s the current session and takes over its rooms.
func (c *Client) applyWelcome(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = s
	close(c.changed)
	c.changed = make(chan struct{})
	clear(c.rooms)
	for _, room := range s.rooms {
		c.rooms[room.Room] = room
	}
	for sub := range c.subs {
		if state, member := c.rooms[sub.room]; member {
			sub.observe(state.Epoch, state.Head, state.Floor)
		} else {
			sub.fail(chat.NotAMember)
		}
	}
}

// session returns the current session, and waits while there is none.
func (c *Client) session(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		s, changed := c.current, c.changed
		c.mu.Unlock()
		if s != nil && s.link.ctx.Err() == nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// keepAlive sends pings until the session or the client ends.
func (c *Client) keepAlive(s *session) {
	ping := time.NewTicker(c.timing.ping)
	defer ping.Stop()
	probe := time.NewTicker(c.timing.probe)
	defer probe.Stop()
	var asked time.Time
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-s.link.ctx.Done():
			return
		case <-probe.C:
			s.probe()
		case <-ping.C:
			c.ping(s)
		case <-s.askTime:
			if now := time.Now(); now.Sub(asked) > c.timing.reply { // replayed pushes must not cost a ping each
				asked = now
				c.ping(s)
			}
		}
	}
}

// probe sends a WebSocket ping and ends the connection if there is no answer.
func (s *session) probe() {
	ctx, cancel := context.WithTimeout(s.link.ctx, s.timing.reply)
	defer cancel()
	if err := s.ws.Ping(ctx); err != nil {
		s.end(lost(err))
	}
}

// ping asks for the rooms' heads, which reveals a lost last message (protocol
// §6).
func (c *Client) ping(s *session) {
	r := frame.Request{Action: frame.ActionPing, Heads: c.heads()}
	var pong frame.Pong
	if err := ask(c.ctx, s.link, r, frame.TypePong, &pong); err != nil {
		c.log.Info("ping failed", "err", err)
		if errors.Is(err, errTimeout) || errors.Is(err, chat.HandshakeRequired) {
			s.end(lost(err))
		}
		return
	}
	s.pushes.anchor(pong.At, time.Now())
	for room, head := range pong.Heads {
		c.observe(room, head.Epoch, head.Head, 0)
	}
}

// pushed handles or queues a frame that answers no request.
func (c *Client) pushed(s *session, r reply) {
	s.gate.Lock()
	defer s.gate.Unlock()
	switch {
	case s.open:
		c.handle(s, r)
	case len(s.early) < maxEarly:
		s.early = append(s.early, r)
	default:
		s.end(device.ErrProtocol)
	}
}

// handle handles a frame that answers no request. A malformed one is ignored. A
// message is known by its place, any other push by its number.
func (c *Client) handle(s *session, r reply) {
	if r.kind != frame.TypeMessage && !s.isFresh(r.data) {
		return
	}
	switch r.kind {
	case frame.TypeMessage:
		var m frame.Message
		if err := strict.Unmarshal(r.data, &m); err != nil {
			c.log.Warn("ignoring a malformed message frame", "err", err)
			return
		}
		c.deliver(m)
	case frame.TypeInvited:
		var f frame.Invited
		if err := strict.Unmarshal(r.data, &f); err != nil {
			c.log.Warn("ignoring a malformed invited frame", "err", err)
			return
		}
		c.invited(Invited{Room: f.Room})
	case frame.TypeRemoved:
		var f frame.Removed
		if err := strict.Unmarshal(r.data, &f); err != nil {
			c.log.Warn("ignoring a malformed removed frame", "err", err)
			return
		}
		c.left(f.Room)
		c.events.emit(Left{Room: f.Room})
	case frame.TypeTyping, frame.TypeMark:
		c.handleHint(r)
	case frame.TypeServerKey:
		var k frame.ServerKey
		if err := strict.Unmarshal(r.data, &k); err != nil {
			c.log.Warn("ignoring a malformed serverKey frame", "err", err)
			return
		}
		keys, err := c.device.AcceptKeySet(k.KeySet)
		if err != nil {
			c.log.Warn("ignoring a key set that fails verification", "err", err)
			return
		}
		s.updateKeySet(keys)
	}
}
