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

// answerTimeout is how long a writer waits for an ack or for a rotation before
// it does something else.
const answerTimeout = 20 * time.Second

// writer is a user that chats through package client. Its client ends and
// starts again now and then, over the same profile.
type writer struct {
	history   *history
	proxy     *proxy
	random    *rand.Rand
	keys      *profile.User
	profile   *profile.Store
	user      chat.User
	rooms     []chat.Room
	backedOff chan struct{} // receives when the client waits long to reconnect
	jitter    *rand.Rand    // of restarts

	rotating sync.Mutex // held during a rotation or another process's handshake

	following sync.WaitGroup // of the client's subscriptions

	mu       sync.Mutex
	client   *client.Client
	seen     map[chat.Room]*view
	epochs   map[chat.Room]chat.Epoch
	restarts int
}

func newWriter(h *history, user chat.User, upstream string, rooms []chat.Room, random *rand.Rand) (*writer, error) {
	w := &writer{
		history:   h,
		random:    random,
		profile:   profile.Memory(),
		user:      user,
		rooms:     rooms,
		backedOff: make(chan struct{}, 1),
		jitter:    rand.New(rand.NewPCG(random.Uint64(), 0)),
		seen:      map[chat.Room]*view{},
		epochs:    map[chat.Room]chat.Epoch{},
	}
	for _, room := range rooms {
		w.seen[room] = &view{who: string(user), room: room}
	}
	var err error
	if w.proxy, err = newProxy(h, user, upstream); err != nil {
		return nil, err
	}
	w.keys, err = userIn(w.profile, w.proxy, user)
	return w, err
}

// userIn returns a user in a profile, for the address of a proxy.
func userIn(p *profile.Store, w *proxy, user chat.User) (*profile.User, error) {
	deployment, err := p.Deployment(w.profile)
	if err != nil {
		return nil, err
	}
	return deployment.User(user), nil
}

// enter opens the client, for the first time or again, and subscribes to the
// rooms from the last message seen. It retries until it succeeds or ctx ends.
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
	c, err := client.Open(ctx, client.Options{
		URL:     w.proxy.url,
		User:    w.user,
		Profile: w.profile,
		Notify: func(n client.Notice) {
			if n.Wait > time.Second {
				select {
				case w.backedOff <- struct{}{}:
				default:
				}
			}
		},
	})
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
		_, err = c.Join(ctx, room)
		if errors.Is(err, chat.RoomInvalid) {
			_, err = c.CreateRoom(ctx, room)
		}
		if err != nil {
			_ = c.Close()
			return nil, err
		}
		s, err := c.Subscribe(room, chat.Seq(w.shown(room)))
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

// follow records what a subscription yields until its client is closed.
func (w *writer) follow(room chat.Room, s *client.Subscription) {
	for {
		m, err := s.Next(context.Background())
		if err != nil {
			return
		}
		w.note(room, m)
	}
}

func (w *writer) note(room chat.Room, m client.Message) {
	t := unreadable
	if m.Problem == nil {
		t = w.history.identify(m.Body)
	} else {
		w.history.violation("%s: open %s %d: %v", w.user, room, m.Seq, m.Problem)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.seen[room]
	if m.Seq != chat.Seq(len(v.texts)+1) {
		w.history.violation("%s: got %s %d after %d messages, want the next seq", w.user, room, m.Seq, len(v.texts))
		return
	}
	if epoch := w.epochs[room]; epoch != "" && epoch != m.Epoch {
		w.history.violation("%s: got another epoch of %s, want one", w.user, room)
	}
	w.epochs[room] = m.Epoch
	v.texts = append(v.texts, t)
}

// shown returns how many messages of a room were shown.
func (w *writer) shown(room chat.Room) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen[room].texts)
}

// current returns the open client.
func (w *writer) current() *client.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.client
}

// restart closes the client, whatever waits on it, and opens another. Only one
// goroutine may call it at a time.
func (w *writer) restart(ctx context.Context) error {
	w.leave()
	w.restarts++
	return w.enter(ctx)
}

// leave closes the client. When it returns, nothing more is recorded.
func (w *writer) leave() {
	if c := w.current(); c != nil {
		_ = c.Close()
	}
	w.following.Wait()
}

// restartWhenSlow restarts a client that waits long to reconnect. A user who
// sees that would do the same, and a run is short.
func (w *writer) restartWhenSlow(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.backedOff:
		case <-w.current().Done():
			if err := w.current().Err(); !errors.Is(err, client.ErrClosed) { // closed at the end of the run
				w.history.violation("the client of %s ended: %v", w.user, err)
			}
		}
		if err := w.restart(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// chat does what users do until ctx ends.
func (w *writer) chat(ctx context.Context) error {
	for ctx.Err() == nil {
		if w.current().Err() != nil { // a restart is in progress
			pause(ctx, w.random, 50, 100)
			continue
		}
		switch n := w.random.IntN(100); {
		case n < 80:
			w.send(ctx)
		case n < 90:
			if err := w.rotate(ctx); err != nil {
				return err
			}
		case n < 93:
			w.proxy.cutAll()
		default:
			pause(ctx, w.random, 100, 1000)
		}
		pause(ctx, w.random, 5, 120)
	}
	return nil
}

// send sends a text to one of the rooms. Sometimes it does not wait for the
// answer.
func (w *writer) send(ctx context.Context) {
	limit := answerTimeout
	if w.random.IntN(15) == 0 {
		limit = time.Duration(1+w.random.IntN(300)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	room := w.rooms[w.random.IntN(len(w.rooms))]
	t, body := w.history.write(int(2000 * w.random.ExpFloat64() / 4))
	o := w.history.call(operation{Kind: kindSend, User: w.user, Room: room, Text: t})
	ack, err := w.current().Send(ctx, room, body)
	if err != nil {
		w.history.failed(o, err)
		return
	}
	w.history.returned(o, func(o *operation) { o.Seq, o.Epoch = ack.Seq, ack.Epoch })
}

// rotate rotates the device's key. Its error is about the profile.
func (w *writer) rotate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	w.rotating.Lock()
	defer w.rotating.Unlock()
	o := w.history.call(operation{Kind: kindRotate, User: w.user})
	// Rotate uses the key that is prepared here, so the history knows it.
	keys, err := w.keys.PrepareKey()
	if err != nil {
		return err
	}
	w.history.learnKeys(keys)
	gen := keys.Newest().Gen
	w.history.update(o, func(o *operation) { o.Gen = gen })
	confirmed, err := w.current().Rotate(ctx)
	if err != nil {
		w.history.failed(o, err)
		return nil
	}
	w.history.returned(o, func(o *operation) { o.Gen = confirmed })
	return nil
}

// close closes the client and the proxy.
func (w *writer) close() {
	w.leave()
	w.proxy.close()
}
