package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// peer speaks the protocol frame by frame, without the retries of package
// client. It is for one goroutine at a time.
type peer struct {
	url    string
	keys   *profile.User
	device *device.Device

	ws    *websocket.Conn // nil without a connection
	sid   chat.Session
	frame int

	session *device.Session // nil before the proof
}

// errRefused is an error frame with its code.
type errRefused struct{ code chat.Code }

func (e errRefused) Error() string { return "refused: " + string(e.code) }

// dial opens a connection, without a handshake.
func (p *peer) dial(ctx context.Context) error {
	p.drop()
	ws, _, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return err
	}
	ws.SetReadLimit(readLimit)
	p.ws, p.session = ws, nil
	return nil
}

// enter opens a connection and completes the handshake.
func (p *peer) enter(ctx context.Context) (err error) {
	if p.device, err = device.Load(p.keys); err != nil {
		return err
	}
	if err := p.dial(ctx); err != nil {
		return err
	}
	var challenge frame.Challenge
	if err := p.ask(ctx, frame.Request{
		Action: frame.ActionHandshake,
		V:      frame.Version,
		User:   p.keys.Name(),
	}, &challenge); err != nil {
		return err
	}
	keys, err := p.device.AcceptKeySet(challenge.KeySet)
	if err != nil {
		return err
	}
	proof, session, err := p.device.Prove(challenge.Nonce, keys, "")
	if err != nil {
		return err
	}
	p.session = session
	var welcome frame.Welcome
	if err := p.ask(ctx, frame.Request{Action: frame.ActionHandshake, Proof: proof}, &welcome); err != nil {
		return err
	}
	plain, err := p.device.OpenWelcome(welcome, challenge.Nonce)
	if err != nil {
		return err
	}
	p.sid = plain.SID
	return nil
}

// ask sends a request and decodes its answer. It ignores frames that do not
// answer it. After any error but errRefused the connection is closed.
func (p *peer) ask(ctx context.Context, r frame.Request, answer any) error {
	if p.ws == nil {
		return errors.New("not connected")
	}
	p.frame++
	r.Ref = fmt.Sprint("r", p.frame)
	data, err := strict.Marshal(r)
	if err != nil {
		return err
	}
	if p.session != nil && r.Action != frame.ActionHandshake {
		if data, err = p.session.Authenticate(data); err != nil {
			return err
		}
	}
	if err := p.ws.Write(ctx, websocket.MessageText, data); err != nil {
		p.drop()
		return err
	}
	for {
		_, data, err := p.ws.Read(ctx)
		if err != nil {
			p.drop()
			return err
		}
		var head struct {
			Type string    `json:"type"`
			Ref  string    `json:"ref"`
			Code chat.Code `json:"code"`
		}
		if err := strict.Unmarshal(data, &head); err != nil {
			return err
		}
		switch {
		case head.Type == "": // an error of API Gateway: the function failed
			return errRefused{chat.TryAgain.Code()}
		case head.Ref != r.Ref:
		case head.Type == frame.TypeError:
			return errRefused{head.Code}
		case p.session != nil && p.session.Verify(data) != nil:
			p.drop()
			return fmt.Errorf("got an answer of type %s that is not authenticated", head.Type)
		default:
			return strict.Unmarshal(data, answer)
		}
	}
}

// drop closes the connection without a close frame.
func (p *peer) drop() {
	if p.ws != nil {
		_ = p.ws.CloseNow()
		p.ws = nil
	}
}

// reader is a user that reads pages and heads, frame by frame.
type reader struct {
	peer
	history *history
	proxy   *proxy
	random  *rand.Rand
	rooms   []chat.Room
	heads   map[chat.Room]chat.Seq // as last seen
	drops   int
}

func newReader(h *history, user chat.User, upstream string, rooms []chat.Room, random *rand.Rand) (*reader, error) {
	w, err := newProxy(h, user, upstream)
	if err != nil {
		return nil, err
	}
	keys, err := userIn(profile.Memory(), w, user)
	if err != nil {
		return nil, err
	}
	known, err := keys.Device()
	if err != nil {
		return nil, err
	}
	h.learnKeys(known)
	return &reader{
		peer:    peer{url: w.url, keys: keys},
		history: h,
		proxy:   w,
		random:  random,
		rooms:   rooms,
		heads:   map[chat.Room]chat.Seq{},
	}, nil
}

// join makes the reader a member of the rooms.
func (r *reader) join(ctx context.Context) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	for _, room := range r.rooms {
		if err := r.ask(ctx, frame.Request{
			Action: frame.ActionJoinRoom,
			Room:   room,
		}, new(frame.Joined)); err != nil {
			return err
		}
	}
	return nil
}

// read reads until ctx ends.
func (r *reader) read(ctx context.Context) error {
	for ctx.Err() == nil {
		if r.ws == nil {
			attempt, cancel := context.WithTimeout(ctx, answerTimeout)
			if err := r.enter(attempt); err != nil {
				r.drop()
			}
			cancel()
		}
		if r.ws != nil {
			r.once(ctx)
		}
		pause(ctx, r.random, 10, 120)
	}
	r.drop()
	return nil
}

// once does one random operation.
func (r *reader) once(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout/2)
	defer cancel()
	switch n := r.random.IntN(100); {
	case n < 60:
		r.page(ctx, r.rooms[r.random.IntN(len(r.rooms))])
	case n < 85:
		r.ping(ctx)
	case n < 93:
		r.rotate(ctx)
	default:
		r.drops++
		r.drop()
	}
}

// page reads one page, of the latest messages or from a random seq.
func (r *reader) page(ctx context.Context, room chat.Room) {
	head := r.heads[room]
	after := max(0, head-chat.Seq(r.random.IntN(20)))
	if r.random.IntN(4) == 0 {
		after = chat.Seq(r.random.Int64N(int64(head) + 1))
	}
	o := r.history.call(operation{Kind: kindRead, User: r.proxy.user, Room: room, After: after})
	var p frame.History
	err := r.ask(ctx, frame.Request{
		Action: frame.ActionHistory,
		Room:   room,
		After:  after,
		Limit:  1 + r.random.IntN(chat.MaxHistoryLimit),
	}, &p)
	if err != nil {
		r.history.failed(o, err)
		return
	}
	messages, err := r.device.OpenHistory(p)
	if err != nil {
		r.history.violation("%s: open a page of %s: %v", r.proxy.user, room, err)
		r.history.failed(o, err)
		return
	}
	r.heads[room] = p.Head
	r.history.returned(o, func(o *operation) {
		o.Epoch, o.From, o.Head = p.Epoch, p.From, p.Head
		for _, m := range messages {
			t := unreadable
			if m.Problem == nil {
				t = r.history.identify(m.Body)
			}
			o.Texts = append(o.Texts, t)
		}
	})
}

// ping asks for the heads of all rooms; each is an operation.
func (r *reader) ping(ctx context.Context) {
	var asked []*operation
	for _, room := range r.rooms {
		asked = append(asked, r.history.call(operation{Kind: kindHead, User: r.proxy.user, Room: room}))
	}
	var pong frame.Pong
	err := r.ask(ctx, frame.Request{Action: frame.ActionPing}, &pong)
	for _, o := range asked {
		head, there := pong.Heads[o.Room]
		switch {
		case err != nil:
			r.history.failed(o, err)
		case !there:
			r.history.violation("%s is a member of %s, which is missing in a pong", r.proxy.user, o.Room)
		default:
			r.heads[o.Room] = head.Head
			r.history.returned(o, func(o *operation) { o.Head, o.Epoch = head.Head, head.Epoch })
		}
	}
}

// rotate rotates the device's key, or continues a rotation that was
// interrupted.
func (r *reader) rotate(ctx context.Context) {
	o := r.history.call(operation{Kind: kindRotate, User: r.proxy.user})
	err := func() error {
		gen, err := r.device.PrepareRotation()
		if err != nil {
			return err
		}
		keys, err := r.keys.Device()
		if err != nil {
			return err
		}
		r.history.learnKeys(keys)
		r.history.update(o, func(o *operation) { o.Gen = gen })
		proof, err := r.device.ProveRotation(r.sid)
		if err != nil {
			return err
		}
		var f frame.Rotated
		if err := r.ask(ctx, frame.Request{Action: frame.ActionRotateKey, Proof: proof}, &f); err != nil {
			return err
		}
		_, err = r.device.OpenRotated(f, r.sid)
		return err
	}()
	if err != nil {
		r.history.failed(o, err)
		return
	}
	r.history.returned(o, nil)
}
