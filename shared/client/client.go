// Package client is the chat client: it keeps one user connected to one
// deployment and recovers from lost connections and frames.
//
// [Open] connects and proves who the user is. After that [Client.Send] returns
// once the message is stored in the room's log, over as many connections as
// that takes, and a [Subscription] yields a room's messages in order, each
// exactly once. The client reconnects with jittered back-off, resumes from the
// last seq, fills gaps from the history, sends again under the same id, and
// follows the service's key sets and the key rotations of this device.
//
// It verifies what the user relies on: the service key is the one pinned at
// first use, a message has its sender's signature for the room it is in, and a
// user's new device is reported (packages device and profile).
//
// It has no global state, so a process may have many clients, and it talks only
// to the WebSocket and the profile. It never logs a text or a key.
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

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("the client is closed")

// Message is a message as its recipient sees it.
type Message = device.Message

// Options configure [Open].
type Options struct {
	// URL is the deployment's WebSocket address, ws:// or wss://, with the
	// stage.
	URL string
	// User is the name to connect as. A free name is bound to this device.
	User chat.User
	// Profile keeps the keys. Nil means a new profile in memory; the user's
	// name is then lost when the process ends.
	Profile *profile.Store
	// Link is the token by which another device of the user links this one
	// (Client.Link). It is needed once, until the service knows this device.
	Link string
	// ServiceKey, if set, is the thumbprint of the deployment's service key;
	// `sotto keys service` prints it. If empty, the first key seen is trusted.
	ServiceKey string
	// Log receives retries and refused frames; nil discards them.
	Log *slog.Logger
	// Notify, if set, is called when the connection is lost or restored. One
	// goroutine calls it at a time; reconnecting waits until it returns.
	Notify func(Notice)
}

// Notice reports that the connection was lost or restored.
type Notice struct {
	Connected bool
	Err       error         // why there is no connection
	Wait      time.Duration // until the next attempt
}

// Client connects one user to one deployment. It is safe for concurrent use.
type Client struct {
	url    string
	device *device.Device
	log    *slog.Logger
	notify func(Notice)
	timing timing
	link   string // Options.Link until the first welcome; only connect uses it

	ctx        context.Context // ends with the client; its cause says why
	cancel     context.CancelCauseFunc
	goroutines sync.WaitGroup // Close waits for them

	mu      sync.Mutex
	current *session      // nil while disconnected
	changed chan struct{} // closed and replaced whenever current is set
	rooms   map[chat.Room]frame.RoomState
	subs    map[*Subscription]struct{}

	hints  hintStore
	events hub

	invites invitations
}

// Open reads or creates the user's device, connects and completes the
// handshake. ctx covers only that. If nothing answers at the address, Open
// fails at once; if the service asks to try again, Open retries up to nine
// times.
//
// Errors besides those of the profile and the network: chat.NameInvalid;
// chat.NameTaken if another device has the name and Options.Link is empty;
// chat.DeviceUnknown if the link is not valid; chat.DeviceRevoked;
// chat.StaleDeviceKey; chat.TooManyDevices; device.ErrSigner, ErrOlder,
// ErrExpired or ErrAudience if the key set fails verification.
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
		hints:   hintStore{rooms: map[chat.Room]*hints{}},
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

// Close ends the connection and all pending calls, and returns when all
// goroutines of the client have ended.
func (c *Client) Close() error {
	c.cancel(ErrClosed)
	c.goroutines.Wait()
	return nil
}

// Done returns a channel that is closed when the client has ended: by Close, or
// because the service refuses the device for good.
func (c *Client) Done() <-chan struct{} { return c.ctx.Done() }

// Err returns why the client has ended: ErrClosed after Close, nil before.
func (c *Client) Err() error { return context.Cause(c.ctx) }

// User returns the name that the client connects as.
func (c *Client) User() chat.User { return c.device.User() }

// Device returns the id of the client's own device.
func (c *Client) Device() chat.Device { return c.device.ID() }

// start runs f in a goroutine that Close waits for.
func (c *Client) start(f func()) { c.goroutines.Go(f) }

// during returns a context that ends when ctx or the client ends.
func (c *Client) during(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	return ctx, func() { stop(); cancel(nil) }
}

// wait sleeps for d. If ctx ends first, it returns the cause.
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

// wrap adds the step that failed.
func wrap(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }
