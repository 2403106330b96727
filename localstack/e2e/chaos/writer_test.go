package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// answerPatience is how long a writer waits for its message to be stored, and
// for its key to be rotated, before it does something else.
const answerPatience = 20 * time.Second

// writer is somebody who chats, with the client that people use. Its process
// ends and starts again now and then, over the same profile.
type writer struct {
	history *history
	wire    *wire
	chance  *rand.Rand
	keys    *profile.User
	profile *profile.Store
	user    chat.User
	rooms   []chat.Room
	slow    chan struct{} // holds one token: the client waits long to reconnect
	jitter  *rand.Rand    // of who restarts the client

	rotating sync.Mutex // no other process makes a handshake meanwhile

	following sync.WaitGroup // of the client's subscriptions

	mu       sync.Mutex
	client   *client.Client
	seen     map[chat.Room]*view
	epochs   map[chat.Room]chat.Epoch
	restarts int
}

func newWriter(h *history, user chat.User, upstream string, rooms []chat.Room, chance *rand.Rand) (*writer, error) {
	w := &writer{
		history: h,
		chance:  chance,
		profile: profile.Memory(),
		user:    user,
		rooms:   rooms,
		slow:    make(chan struct{}, 1),
		jitter:  rand.New(rand.NewPCG(chance.Uint64(), 0)),
		seen:    map[chat.Room]*view{},
		epochs:  map[chat.Room]chat.Epoch{},
	}
	for _, room := range rooms {
		w.seen[room] = &view{who: string(user), room: room}
	}
	var err error
	if w.wire, err = newWire(h, user, upstream); err != nil {
		return nil, err
	}
	w.keys, err = userIn(w.profile, w.wire, user)
	return w, err
}

// userIn finds the user that a profile has behind a wire.
func userIn(p *profile.Store, w *wire, user chat.User) (*profile.User, error) {
	deployment, err := p.Deployment(w.profile)
	if err != nil {
		return nil, err
	}
	return deployment.User(user), nil
}

// enter opens the client, for the first time or again, and follows the rooms
// from where it was. It tries until it is there or ctx ends.
func (w *writer) enter(ctx context.Context) error {
	for {
		c, err := w.open(ctx)
		if err == nil {
			w.mu.Lock()
			w.client = c
			w.mu.Unlock()
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		pause(ctx, w.jitter, 50, 300)
	}
}

func (w *writer) open(ctx context.Context) (*client.Client, error) {
	c, err := client.Open(ctx, client.Options{URL: w.wire.url, User: w.user, Profile: w.profile, Notify: func(n client.Notice) {
		if n.Wait > time.Second {
			select {
			case w.slow <- struct{}{}:
			default:
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	keys, err := w.keys.Device()
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	w.history.learnKeys(keys)
	var subscriptions []*client.Subscription
	for _, room := range w.rooms {
		if _, err = c.Join(ctx, room); err != nil {
			_ = c.Close()
			return nil, err
		}
		s, err := c.Subscribe(room, chat.Seq(w.saw(room)))
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		subscriptions = append(subscriptions, s)
	}
	for i, s := range subscriptions {
		w.following.Go(func() { w.follow(w.rooms[i], s) })
	}
	return c, nil
}

// follow notes what a subscription yields until its client is closed.
func (w *writer) follow(room chat.Room, s *client.Subscription) {
	for {
		m, err := s.Next(context.Background())
		if err != nil {
			return
		}
		w.see(room, m)
	}
}

func (w *writer) see(room chat.Room, m client.Message) {
	t := unreadable
	if m.Problem == nil {
		t = w.history.identify(m.Body)
	} else {
		w.history.violate("%s could not read %s %d: %v", w.user, room, m.Seq, m.Problem)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.seen[room]
	if m.Seq != chat.Seq(len(v.texts)+1) {
		w.history.violate("%s was shown %s %d after %d", w.user, room, m.Seq, len(v.texts))
		return
	}
	if epoch := w.epochs[room]; epoch != "" && epoch != m.Epoch {
		w.history.violate("%s saw another epoch of %s", w.user, room)
	}
	w.epochs[room] = m.Epoch
	v.texts = append(v.texts, t)
}

// saw is how many messages of a room were shown.
func (w *writer) saw(room chat.Room) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen[room].texts)
}

// current is the client that is open.
func (w *writer) current() *client.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.client
}

// restart ends the client, whatever waits on it, and opens another. Nobody is
// to do so at the same time.
func (w *writer) restart(ctx context.Context) error {
	w.leave()
	w.restarts++
	return w.enter(ctx)
}

// leave ends the client. Nothing is seen any more when it returns.
func (w *writer) leave() {
	if c := w.current(); c != nil {
		_ = c.Close()
	}
	w.following.Wait()
}

// heal restarts a client that has backed off: a user who sees that it does not
// reconnect would do the same, and a run has no minutes to spare.
func (w *writer) heal(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.slow:
		case <-w.current().Done():
			if err := w.current().Err(); !errors.Is(err, client.ErrClosed) { // which is the run's end
				w.history.violate("the client of %s has given up: %v", w.user, err)
			}
		}
		if err := w.restart(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// chat does what users do, until ctx ends.
func (w *writer) chat(ctx context.Context) error {
	for ctx.Err() == nil {
		if w.current().Err() != nil { // it is being restarted
			pause(ctx, w.chance, 50, 100)
			continue
		}
		switch n := w.chance.IntN(100); {
		case n < 80:
			w.send(ctx)
		case n < 90:
			if err := w.rotate(ctx); err != nil {
				return err
			}
		case n < 93:
			w.wire.cut()
		default:
			pause(ctx, w.chance, 100, 1000)
		}
		pause(ctx, w.chance, 5, 120)
	}
	return nil
}

// send sends a text to one of the rooms. Now and then it does not wait for the
// answer.
func (w *writer) send(ctx context.Context) {
	limit := answerPatience
	if w.chance.IntN(15) == 0 {
		limit = time.Duration(1+w.chance.IntN(300)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	room := w.rooms[w.chance.IntN(len(w.rooms))]
	t, body := w.history.write(int(2000 * w.chance.ExpFloat64() / 4))
	o := w.history.begin(operation{Kind: kindSend, User: w.user, Room: room, Text: t})
	ack, err := w.current().Send(ctx, room, body)
	if err != nil {
		w.history.failed(o, err)
		return
	}
	w.history.done(o, func(o *operation) { o.Seq, o.Epoch = ack.Seq, ack.Epoch })
}

// rotate rotates the device's key. What is wrong with the profile is an error.
func (w *writer) rotate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	w.rotating.Lock()
	defer w.rotating.Unlock()
	o := w.history.begin(operation{Kind: kindRotate, User: w.user})
	// The client will find this key prepared, and so it is known here.
	keys, err := w.keys.PrepareKey()
	if err != nil {
		return err
	}
	w.history.learnKeys(keys)
	gen := keys.Newest().Gen
	w.history.with(o, func(o *operation) { o.Gen = gen })
	confirmed, err := w.current().Rotate(ctx)
	if err != nil {
		w.history.failed(o, err)
		return nil
	}
	w.history.done(o, func(o *operation) { o.Gen = confirmed })
	return nil
}

// close ends the client and the wire.
func (w *writer) close() {
	w.leave()
	w.wire.close()
}
