package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// readLimit is above what API Gateway can post, 128 KB.
const readLimit = 256 << 10

// errLost means that the connection ended before the answer arrived.
var errLost = errors.New("the connection was lost")

// lostError is errLost with its cause. Its text has only the innermost error;
// the layers in between name functions of the libraries.
type lostError struct{ cause error }

func lost(cause error) error { return &lostError{cause} }

func (e *lostError) Unwrap() []error { return []error{errLost, e.cause} }

func (e *lostError) Error() string {
	why := e.cause
	for inner := errors.Unwrap(why); inner != nil; inner = errors.Unwrap(why) {
		why = inner
	}
	text := why.Error()
	closed, byPeer := errors.AsType[websocket.CloseError](e.cause)
	switch {
	case byPeer:
		text = fmt.Sprintf("the service closed it with code %d", closed.Code)
	case errors.Is(why, io.EOF), errors.Is(why, io.ErrUnexpectedEOF):
		text = "it was cut off"
	case errors.Is(why, context.DeadlineExceeded):
		text = "timed out"
	}
	return fmt.Sprintf("%v (%s)", errLost, text)
}

// errTimeout means that no answer arrived in time. Every request of the
// protocol may be sent again, so it counts as chat.TryAgain.
var errTimeout = errors.New("the service did not answer in time")

// errUnproven means that the service answered with an error that is not
// authenticated: it may come from somebody else. The client reconnects.
var errUnproven = fmt.Errorf("%w: %w", errLost, device.ErrUnproven)

// unproven returns errUnproven with what the frame says, as a hint for people.
func unproven(err error) error { return fmt.Errorf("%w (%w)", errUnproven, unprovenCause{err}) }

// unprovenCause hides the error of the closed list from errors.Is: nothing may
// depend on it.
type unprovenCause struct{ cause error }

func (e unprovenCause) Error() string { return e.cause.Error() }

// reply is a frame of the service and its type. The type of API Gateway's own
// errors is "".
type reply struct {
	kind   string
	data   []byte
	proven bool // authenticated under the session's key
}

// link is one WebSocket connection. It matches answers to requests by `ref` and
// passes all other frames on.
type link struct {
	ws     *websocket.Conn
	timing timing

	ctx    context.Context // ends with the connection; its cause says why
	cancel context.CancelCauseFunc

	// session authenticates the frames in both directions from the proof on.
	session atomic.Pointer[device.Session]

	mu      sync.Mutex
	waiting map[string]chan reply
}

// dial opens a connection. The caller must run read. ctx covers only dialing.
func dial(ctx context.Context, url string, t timing) (*link, error) {
	// No compression: API Gateway does not negotiate it reliably, and encrypted
	// data does not compress.
	ws, response, err := websocket.Dial(ctx, url,
		&websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, &refusedError{url: url, status: response.StatusCode}
		}
		return nil, &unreachableError{url: url, cause: err}
	}
	ws.SetReadLimit(readLimit)
	l := &link{ws: ws, timing: t, waiting: map[string]chan reply{}}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l, nil
}

// read passes answers to their requests and all other frames to pushed, until
// the connection ends. pushed must not block.
func (l *link) read(pushed func(reply)) {
	for {
		kind, data, err := l.ws.Read(context.Background())
		if err != nil {
			l.end(lost(err))
			return
		}
		if kind == websocket.MessageText {
			l.dispatch(data, pushed)
		}
	}
}

// end closes the connection at once. cause becomes the cause of its context.
func (l *link) end(cause error) {
	l.cancel(cause)
	_ = l.ws.CloseNow()
}

// close closes the connection with a close frame.
func (l *link) close() {
	l.cancel(ErrClosed)
	_ = l.ws.Close(websocket.StatusNormalClosure, "")
}

func (l *link) dispatch(data []byte, pushed func(reply)) {
	session := l.session.Load()
	proven := session != nil && session.Verify(data) == nil
	var head struct {
		Type string `json:"type"`
		Ref  string `json:"ref"`
	}
	if strict.Unmarshal(data, &head) != nil || head.Type == "" {
		// API Gateway's own error (protocol §3). It does not name the request,
		// so all pending requests are retried.
		head.Type, head.Ref = "", ""
	}
	if session != nil && !proven && head.Type != "" {
		// Only an error can come without a MAC from the service itself: it does
		// not know this session any more. Everything else is forged.
		if head.Type == frame.TypeError {
			l.end(unproven(parseWireError(data, false)))
		}
		return
	}
	answer := reply{kind: head.Type, data: data, proven: proven}
	if !l.answer(head.Ref, answer) && head.Type != "" && head.Type != frame.TypeError {
		pushed(answer)
	}
}

// answer passes an answer to its request and reports whether there is one.
// Refs are random, so an old answer fits no request. An error without a ref
// belongs to the only pending request; if there are several, all are retried.
func (l *link) answer(ref string, answer reply) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if waiting, ok := l.waiting[ref]; ok {
		delete(l.waiting, ref)
		waiting <- answer
		return true
	}
	if ref != "" || answer.kind != "" && answer.kind != frame.TypeError {
		return false
	}
	if len(l.waiting) > 1 {
		answer = reply{}
	}
	for ref, waiting := range l.waiting {
		delete(l.waiting, ref)
		waiting <- answer
	}
	return true
}

// request sends a frame and returns its answer. Errors: errLost; errTimeout; a
// wireError or chat.TryAgain for an error frame; chat.FrameTooLarge; the cause
// of ctx.
func (l *link) request(ctx context.Context, r frame.Request, kind string) ([]byte, error) {
	answer := make(chan reply, 1)
	r.Ref = chat.NewRef()
	l.mu.Lock()
	l.waiting[r.Ref] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, r.Ref)
		l.mu.Unlock()
	}()
	if err := l.write(r); err != nil {
		return nil, err
	}
	timer := time.NewTimer(l.timing.reply)
	defer timer.Stop()
	select {
	case got := <-answer:
		return got.as(kind)
	case <-timer.C:
		return nil, errTimeout
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.ctx.Done():
		select {
		case got := <-answer: // it arrived just before the end
			return got.as(kind)
		default:
			return nil, context.Cause(l.ctx)
		}
	}
}

func (l *link) write(r frame.Request) error {
	data, err := strict.Marshal(r)
	if err != nil {
		return wrap("encode the frame", err)
	}
	if session := l.session.Load(); session != nil && r.Action != frame.ActionHandshake {
		if data, err = session.Authenticate(data); err != nil {
			return wrap("authenticate the frame", err)
		}
	}
	if len(data) > chat.MaxFrame {
		return chat.FrameTooLarge
	}
	// Not the caller's context: canceling a write would end the connection.
	ctx, cancel := context.WithTimeout(l.ctx, l.timing.write)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, data); err != nil {
		err = lost(err)
		l.end(err)
		return err
	}
	return nil
}

// as returns the frame if it has the wanted type.
func (r reply) as(kind string) ([]byte, error) {
	switch r.kind {
	case kind:
		return r.data, nil
	case frame.TypeError:
		return nil, parseWireError(r.data, r.proven)
	case "":
		return nil, chat.TryAgain
	}
	return nil, unexpected(r.kind, kind)
}
