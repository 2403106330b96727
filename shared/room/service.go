package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Options are the parts of a Service. A function leaves the parts nil that its
// use case does not need.
type Options struct {
	Store     Store
	Keys      Keys
	Poster    Poster
	Courier   Courier       // nil: one instance posts to large rooms as well
	Log       *slog.Logger  // nil: slog.Default
	Audience  string        // `aud`: host and stage of the WebSocket URL
	Retention time.Duration // how long messages are kept
	// Registrations is how many names an address may register in an hour. 0
	// sets no limit.
	Registrations int
	Now           func() time.Time // nil: time.Now
	// Pause waits for a time, and not at all if it is not positive. Its error
	// is that of the context. Nil: by a timer.
	Pause func(context.Context, time.Duration) error
}

// Service holds the use cases. It keeps nothing between calls: any instance can
// handle any call, and can end at any point of it.
type Service struct {
	store     Store
	keys      Keys
	post      Poster
	courier   Courier
	log       *slog.Logger
	audience  string
	retention time.Duration

	registrations int
	now           func() time.Time
	pause         func(context.Context, time.Duration) error
}

// New returns a Service with the given parts.
func New(o Options) *Service {
	s := &Service{
		store:     o.Store,
		keys:      o.Keys,
		post:      o.Poster,
		courier:   o.Courier,
		log:       o.Log,
		audience:  o.Audience,
		retention: o.Retention,

		registrations: o.Registrations,
		now:           o.Now,
		pause:         o.Pause,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.pause == nil {
		s.pause = pause
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// pause waits by a timer.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Call identifies the caller: the connection that a frame came on, the network
// of its other end, and the frame. NewCall makes it.
type Call struct {
	Connection  chat.Connection
	ConnectedAt time.Time
	Network     string // what one customer of a provider usually has, empty if unknown
	Ref         string
	Frame       []byte // as received, since the MAC covers its bytes

	answers *answers
}

// NewCall returns the call of a frame. The frame of $connect and $disconnect is
// nil.
func NewCall(id chat.Connection, connectedAt time.Time, frame []byte) Call {
	return Call{Connection: id, ConnectedAt: connectedAt, Frame: frame, answers: new(answers)}
}

// admit finds the connection's session, spends one token of its device's rate,
// and lets the user pay the frame's cost. Errors: those of admitDevice.
func (s *Service) admit(ctx context.Context, c Call, cost int) (*Connection, *Device, error) {
	conn, device, err := s.admitDevice(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return conn, device, s.charge(ctx, conn.User, cost)
}

// admitDevice finds the connection's session, checks the MAC of the frame, and
// spends one token of the device's rate. The MAC comes first: a frame that
// somebody else put into the connection spends nothing. Errors:
// chat.HandshakeRequired, chat.BadMAC, and those of admitSession.
func (s *Service) admitDevice(ctx context.Context, c Call) (*Connection, *Device, error) {
	conn, err := s.store.Connection(ctx, c.Connection)
	if errors.Is(err, ErrNotFound) || err == nil && !conn.Bound() {
		return nil, nil, chat.HandshakeRequired
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the connection: %w", err)
	}
	if err := s.checkMAC(ctx, c, conn); err != nil {
		return nil, nil, err
	}
	return s.admitSession(ctx, conn)
}

// admitSession spends one token of the rate of a session's device. Errors:
// chat.RateLimited, chat.DeviceUnknown, chat.DeviceRevoked.
func (s *Service) admitSession(ctx context.Context, conn *Connection) (*Connection, *Device, error) {
	device, err := s.store.Admit(ctx, conn.User, conn.Device, s.now())
	switch {
	case errors.Is(err, ErrThrottled):
		return nil, nil, chat.RateLimited
	case errors.Is(err, ErrNotFound):
		return nil, nil, chat.DeviceUnknown
	case err != nil:
		return nil, nil, fmt.Errorf("admit the device: %w", err)
	case device.Revoked:
		return nil, nil, chat.DeviceRevoked
	}
	return conn, device, nil
}

// answer posts one authenticated frame to the calling connection. It is not an
// error if that connection is gone: the client resumes on its next one.
func (s *Service) answer(ctx context.Context, c Call, reply any) error {
	data, err := strict.Marshal(reply)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if data, err = s.Authenticate(ctx, c, data); err != nil {
		return fmt.Errorf("authenticate the answer: %w", err)
	}
	if err := s.post.Post(ctx, c.Connection, data); err != nil && !errors.Is(err, ErrGone) {
		return fmt.Errorf("post the answer: %w", err)
	}
	return nil
}
