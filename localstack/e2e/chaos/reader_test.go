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

// peer speaks the protocol frame by frame: where the client would ask again, it
// takes what comes. One goroutine uses it at a time.
type peer struct {
	url    string
	keys   *profile.User
	device *device.Device

	ws    *websocket.Conn // nil while there is none
	sid   chat.Session
	frame int
}

// errRefused is an error frame; the text names its code.
type errRefused struct{ code chat.Code }

func (e errRefused) Error() string { return "refused: " + string(e.code) }

// dial opens a connection and goes no further.
func (p *peer) dial(ctx context.Context) error {
	p.drop()
	ws, _, err := websocket.Dial(ctx, p.url, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return err
	}
	ws.SetReadLimit(readLimit)
	p.ws = ws
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
		User:   p.keys.Name(),
	}, &challenge); err != nil {
		return err
	}
	keys, err := p.device.AcceptKeySet(challenge.KeySet)
	if err != nil {
		return err
	}
	proof, err := p.device.Prove(challenge.Nonce, keys, "")
	if err != nil {
		return err
	}
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

// ask sends a request and decodes its answer. Frames that answer nothing are
// passed over. After any error but errRefused the connection is gone.
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
		case head.Type == "": // API Gateway's own: the function failed
			return errRefused{chat.TryAgain.Code()}
		case head.Ref != r.Ref:
		case head.Type == frame.TypeError:
			return errRefused{head.Code}
		default:
			return strict.Unmarshal(data, answer)
		}
	}
}

// drop ends the connection without a word.
func (p *peer) drop() {
	if p.ws != nil {
		_ = p.ws.CloseNow()
		p.ws = nil
	}
}

// reader is somebody who reads a lot, by the protocol's frames.
type reader struct {
	peer
	history *history
	wire    *wire
	chance  *rand.Rand
	rooms   []chat.Room
	heads   map[chat.Room]chat.Seq // as last seen
	drops   int
}

func newReader(h *history, user chat.User, upstream string, rooms []chat.Room, chance *rand.Rand) (*reader, error) {
	w, err := newWire(h, user, upstream)
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
		wire:    w,
		chance:  chance,
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
			attempt, cancel := context.WithTimeout(ctx, answerPatience)
			if err := r.enter(attempt); err != nil {
				r.drop()
			}
			cancel()
		}
		if r.ws != nil {
			r.once(ctx)
		}
		pause(ctx, r.chance, 10, 120)
	}
	r.drop()
	return nil
}

// once does one thing.
func (r *reader) once(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience/2)
	defer cancel()
	switch n := r.chance.IntN(100); {
	case n < 60:
		r.page(ctx, r.rooms[r.chance.IntN(len(r.rooms))])
	case n < 85:
		r.ping(ctx)
	case n < 93:
		r.rotate(ctx)
	default:
		r.drops++
		r.drop()
	}
}

// page reads a page: of the latest messages, or from anywhere.
func (r *reader) page(ctx context.Context, room chat.Room) {
	head := r.heads[room]
	after := max(0, head-chat.Seq(r.chance.IntN(20)))
	if r.chance.IntN(4) == 0 {
		after = chat.Seq(r.chance.Int64N(int64(head) + 1))
	}
	o := r.history.begin(operation{Kind: kindRead, User: r.wire.user, Room: room, After: after})
	var p frame.History
	err := r.ask(ctx, frame.Request{
		Action: frame.ActionHistory,
		Room:   room,
		After:  after,
		Limit:  1 + r.chance.IntN(chat.MaxHistoryLimit),
	}, &p)
	if err != nil {
		r.history.failed(o, err)
		return
	}
	messages, err := r.device.OpenHistory(p)
	if err != nil {
		r.history.violate("%s got a page of %s that does not open: %v", r.wire.user, room, err)
		r.history.failed(o, err)
		return
	}
	r.heads[room] = p.Head
	r.history.done(o, func(o *operation) {
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

// ping asks for the heads of all rooms, each of which is an operation.
func (r *reader) ping(ctx context.Context) {
	var asked []*operation
	for _, room := range r.rooms {
		asked = append(asked, r.history.begin(operation{Kind: kindHead, User: r.wire.user, Room: room}))
	}
	var pong frame.Pong
	err := r.ask(ctx, frame.Request{Action: frame.ActionPing}, &pong)
	for _, o := range asked {
		head, there := pong.Heads[o.Room]
		switch {
		case err != nil:
			r.history.failed(o, err)
		case !there:
			r.history.violate("%s is in %s, and a pong does not say so", r.wire.user, o.Room)
		default:
			r.heads[o.Room] = head.Head
			r.history.done(o, func(o *operation) { o.Head, o.Epoch = head.Head, head.Epoch })
		}
	}
}

// rotate rotates the device's key, or goes on with a rotation that was cut off.
func (r *reader) rotate(ctx context.Context) {
	o := r.history.begin(operation{Kind: kindRotate, User: r.wire.user})
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
		r.history.with(o, func(o *operation) { o.Gen = gen })
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
	r.history.done(o, nil)
}
