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

	// What the service pushes between its welcome and the client's having taken
	// it waits here: a message in that moment is in no welcome's heads.
	gate  sync.Mutex
	open  bool
	early []reply
}

// maxEarly bounds what waits. Only a service that misbehaves sends so much
// before a client has read its welcome.
const maxEarly = 1000

// keySet returns the newest key set of the session.
func (s *session) keySet() *device.KeySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys
}

// takeKeySet replaces the key set unless a newer one came first.
func (s *session) takeKeySet(keys *device.KeySet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys.Gen > s.keys.Gen {
		s.keys = keys
	}
}

// ask sends a request on a link and decodes the answer into v.
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

// connect makes one connection and completes the handshake on it (protocol §4).
func (c *Client) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timing.dial, errSilence)
	defer cancel()
	s := &session{}
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
	begin := frame.Request{Action: frame.ActionHandshake, User: c.device.User()}
	if err := ask(ctx, s.link, begin, frame.TypeChallenge, &challenge); err != nil {
		return wrap("begin the handshake", err)
	}
	if challenge.V != frame.Version {
		return wrap("begin the handshake", device.ErrProtocol)
	}
	keys, err := c.device.AcceptKeySet(challenge.KeySet)
	if err != nil {
		return err
	}
	offered := c.device.NewestGen()
	proof, err := c.device.Prove(challenge.Nonce, keys, c.link)
	if err != nil {
		return wrap("make the proof", err)
	}
	var welcome frame.Welcome
	err = ask(ctx, s.link, frame.Request{Action: frame.ActionHandshake, Proof: proof}, frame.TypeWelcome, &welcome)
	if errors.Is(err, chat.StaleDeviceKey) {
		// Another process with this profile may have rotated meanwhile.
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
		c.link = "" // this device is on record now
	}
	s.sid, s.keys, s.rooms, s.since = plain.SID, keys, plain.Rooms, time.Now()
	return nil
}

// errRotated says that the profile holds a newer key than the one offered.
var errRotated = errors.New("another process has rotated the device's key")

// connectFirst is connect for Open: it tries again only where the service asks
// for it.
func (c *Client) connectFirst(ctx context.Context) (*session, error) {
	for n := 0; ; n++ {
		s, err := c.connect(ctx)
		if err == nil {
			return s, nil
		}
		if _, gone := errors.AsType[*unreachableError](err); gone || isFinal(err) || n == tries || ctx.Err() != nil {
			return nil, err
		}
		c.log.Info("the handshake is tried again", "err", err)
		if wait(ctx, c.timing.retry.delay(n)) != nil {
			return nil, err
		}
	}
}

// isFinal says whether a failed connection would fail again in the same way.
func isFinal(err error) bool {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return !refused.passing()
	}
	if wire, ok := errors.AsType[*wireError](err); ok {
		switch wire.cause.Code() {
		case chat.NonceExpired.Code(), chat.AlreadyBound.Code(), chat.StaleServerKey.Code(), chat.HandshakeRequired.Code():
			return false // a fresh connection starts with a fresh challenge
		}
		return !wire.retry
	}
	for _, passing := range []error{errLost, errSilence, errRotated, chat.TryAgain, context.DeadlineExceeded} {
		if errors.Is(err, passing) {
			return false
		}
	}
	_, unreachable := errors.AsType[*unreachableError](err)
	return !unreachable
}

// run keeps the client connected until it ends.
func (c *Client) run(s *session) {
	for n := 0; ; {
		c.keepAlive(s)
		c.withdraw()
		if c.ctx.Err() != nil {
			s.leave()
			return
		}
		if time.Since(s.since) > c.timing.steady {
			n = 0
		}
		cause := context.Cause(s.link.ctx)
		for s = nil; s == nil; n++ {
			delay := c.timing.reconnect.delay(n)
			c.log.Info("reconnecting", "err", cause, "wait", delay)
			c.notify(Notice{Err: cause, Wait: delay})
			if wait(c.ctx, delay) != nil {
				return
			}
			var err error
			if s, err = c.connect(c.ctx); err != nil {
				cause = err
				// A stage being deployed refuses for a while, and this client
				// was welcome here before.
				if _, refused := errors.AsType[*refusedError](err); !refused && isFinal(err) {
					c.cancel(err)
					return
				}
			}
		}
		c.publish(s)
		c.notify(Notice{Connected: true})
	}
}

// publish makes a session the current one and takes what its welcome says.
func (c *Client) publish(s *session) {
	c.takeRooms(s)
	s.gate.Lock()
	defer s.gate.Unlock()
	for _, r := range s.early {
		c.handle(s, r)
	}
	s.early, s.open = nil, true
}

// withdraw leaves the client without a session.
func (c *Client) withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
}

func (c *Client) takeRooms(s *session) {
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

// session returns the current session and waits for one if need be.
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

// keepAlive pings until the session or the client ends.
func (c *Client) keepAlive(s *session) {
	ping := time.NewTicker(c.timing.ping)
	defer ping.Stop()
	probe := time.NewTicker(c.timing.probe)
	defer probe.Stop()
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
		}
	}
}

// probe ends a connection whose other side does not answer any more.
func (s *session) probe() {
	ctx, cancel := context.WithTimeout(s.link.ctx, s.timing.reply)
	defer cancel()
	if err := s.ws.Ping(ctx); err != nil {
		s.end(lost(err))
	}
}

// ping asks for the heads, so that a lost last message is found (protocol §6).
func (c *Client) ping(s *session) {
	r := frame.Request{Action: frame.ActionPing, Heads: c.heads()}
	var pong frame.Pong
	if err := ask(c.ctx, s.link, r, frame.TypePong, &pong); err != nil {
		c.log.Info("the ping went wrong", "err", err)
		if errors.Is(err, errSilence) || errors.Is(err, chat.HandshakeRequired) {
			s.end(lost(err))
		}
		return
	}
	for room, head := range pong.Heads {
		c.observe(room, head.Epoch, head.Head, 0)
	}
}

// pushed takes what the service sends of its own accord.
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

func (c *Client) handle(s *session, r reply) {
	switch r.kind {
	case frame.TypeMessage:
		var m frame.Message
		if err := strict.Unmarshal(r.data, &m); err != nil {
			c.log.Warn("a message frame cannot be read", "err", err)
			return
		}
		c.deliver(m)
	case frame.TypeTyping, frame.TypeMark:
		c.hint(r)
	case frame.TypeServerKey:
		var k frame.ServerKey
		if err := strict.Unmarshal(r.data, &k); err != nil {
			c.log.Warn("a key set frame cannot be read", "err", err)
			return
		}
		keys, err := c.device.AcceptKeySet(k.KeySet)
		if err != nil {
			c.log.Warn("a key set is refused", "err", err)
			return
		}
		s.takeKeySet(keys)
	}
}
