// Package client is the chat client: it keeps one user's connection to one
// deployment and hides everything about it that goes wrong.
//
// [Open] connects and proves who the user is. After that [Client.Send] returns
// once the message is in the room's log for good, however many connections that
// takes, and a [Subscription] yields a room's messages in order, each exactly
// once. In between the client reconnects with jittered back-off, resumes from
// the last seq, fills gaps from the history, sends again under the same id, and
// follows the service's key sets and its own device's rotations.
//
// What the user must be able to rely on is checked, not assumed: the service
// key is the one seen first, a message bears its sender's signature for the
// place it stands in, a user's new device is shown as such (packages device and
// profile).
//
// It keeps no global state, so a process may hold many clients, and it talks to
// nothing but the WebSocket and the profile. It never logs a text or a key.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// ErrClosed is what calls return after Close.
var ErrClosed = errors.New("the client is closed")

// Message is a message as its recipient sees it.
type Message = device.Message

// Options say who connects where.
type Options struct {
	// URL is the deployment's WebSocket address, ws:// or wss://, with the
	// stage.
	URL string
	// User is the name to connect as. A free name is bound to this device.
	User chat.User
	// Profile keeps the keys; nil is a fresh one in memory, with which the name
	// is lost when the process ends.
	Profile *profile.Store
	// Link is the token by which another device of the user vouches for this
	// one (Client.Link). It is needed once, until this device is on record.
	Link string
	// ServiceKey, if set, is the thumbprint of the deployment's service key,
	// which `sotto keys service` prints where it is known. Otherwise the key
	// that is met first is the one trusted.
	ServiceKey string
	// Log takes what may interest an operator; nil is silent.
	Log *slog.Logger
	// Notify, if set, hears of lost and regained connections. It is called by
	// one goroutine at a time and delays the connection while it runs.
	Notify func(Notice)
}

// Notice tells of a connection that was lost or is back.
type Notice struct {
	Connected bool
	Err       error         // why there is no connection
	Wait      time.Duration // until the next try
}

// Client is one user's presence at one deployment. Safe for concurrent use.
type Client struct {
	url    string
	device *device.Device
	log    *slog.Logger
	notify func(Notice)
	timing timing
	link   string // of the options, until it has served; of whoever connects

	ctx    context.Context // ends with the client; its cause says why
	cancel context.CancelCauseFunc
	ended  sync.WaitGroup // the goroutines

	mu      sync.Mutex
	current *session      // nil while there is none
	changed chan struct{} // closed and replaced when a new current comes
	rooms   map[chat.Room]frame.RoomState
	subs    map[*Subscription]struct{}

	hinted hinted
	events hub
}

// Open connects, makes or reads the user's device, and completes the handshake.
// ctx governs only that. Where nothing answers at the address, Open fails at
// once; where the service asks to try again, it does so a few times.
//
// Errors besides the profile's and the network's: chat.NameInvalid,
// chat.NameTaken where another device has the name and there is no
// Options.Link, chat.DeviceUnknown where that does not hold,
// chat.DeviceRevoked, chat.StaleDeviceKey, chat.TooManyDevices, and
// device.ErrSigner and its like for a service that is not to be trusted.
func Open(ctx context.Context, o Options) (*Client, error) { return open(ctx, o, defaultTiming) }

func open(ctx context.Context, o Options, t timing) (*Client, error) {
	if err := o.User.Check(); err != nil {
		return nil, err
	}
	address, err := device.Address(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Profile == nil {
		o.Profile = profile.Memory()
	}
	deployment, err := o.Profile.Deployment(address)
	if err != nil {
		return nil, err
	}
	if o.ServiceKey != "" {
		if err := device.TrustServiceKey(deployment, o.ServiceKey); err != nil {
			return nil, err
		}
	}
	d, err := device.Load(deployment.User(o.User))
	if err != nil {
		return nil, err
	}
	c := &Client{
		url:     o.URL,
		device:  d,
		log:     o.Log,
		notify:  o.Notify,
		timing:  t,
		link:    o.Link,
		changed: make(chan struct{}),
		rooms:   map[chat.Room]frame.RoomState{},
		subs:    map[*Subscription]struct{}{},
		hinted:  hinted{rooms: map[chat.Room]*hints{}},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.notify == nil {
		c.notify = func(Notice) {}
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	s, err := c.connectFirst(ctx)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	c.publish(s)
	c.start(func() { c.run(s) })
	return c, nil
}

// Close ends the connection and everything that waits on the client, and
// returns when that is done.
func (c *Client) Close() error {
	c.cancel(ErrClosed)
	c.ended.Wait()
	return nil
}

// Done is closed when the client has ended: by Close, or because the service
// will not have it any more.
func (c *Client) Done() <-chan struct{} { return c.ctx.Done() }

// Err says why the client has ended: ErrClosed after Close; nil before.
func (c *Client) Err() error { return context.Cause(c.ctx) }

// User is who the client connects as.
func (c *Client) User() chat.User { return c.device.User() }

// Device names the client's own device.
func (c *Client) Device() chat.Device { return c.device.ID() }

// start runs f and makes Close wait for it.
func (c *Client) start(f func()) { c.ended.Go(f) }

// during returns a context that ends with ctx or with the client.
func (c *Client) during(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	return ctx, func() { stop(); cancel(nil) }
}

// wait sleeps, or returns the reason why ctx ended first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wrap names the step that failed.
func wrap(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }
