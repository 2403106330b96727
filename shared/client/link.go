package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// readLimit is above what API Gateway can post, 128 KB.
const readLimit = 256 << 10

// errLost says that the connection ended before an answer came.
var errLost = errors.New("the connection was lost")

// lostError is errLost with its cause. It says the root of the matter in plain
// words: the layers in between say where in the library it came up.
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
		text = "it broke off"
	case errors.Is(why, context.DeadlineExceeded):
		text = "no answer came in time"
	}
	return fmt.Sprintf("%v (%s)", errLost, text)
}

// errSilence says that no answer came in time. Every request of the protocol
// may be sent again, so it counts as chat.TryAgain.
var errSilence = errors.New("the service did not answer in time")

// reply is a frame as it came, and its type: "" for API Gateway's own errors.
type reply struct {
	kind string
	data []byte
}

// link is one WebSocket connection: it matches answers to requests by `ref` and
// hands everything else on.
type link struct {
	ws     *websocket.Conn
	timing timing

	ctx    context.Context // ends with the connection; its cause says why
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	last    int
	waiting map[string]chan reply
}

// dial opens a connection, which read must read from then on. ctx governs the
// dialling only.
func dial(ctx context.Context, url string, t timing) (*link, error) {
	// No compression: API Gateway negotiates none reliably, and what is
	// encrypted does not compress.
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

// read hands answers to their requests, and what answers nothing to pushed,
// until the connection ends. pushed must not block.
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

// end closes the connection at once, for a reason.
func (l *link) end(cause error) {
	l.cancel(cause)
	_ = l.ws.CloseNow()
}

// leave closes the connection politely.
func (l *link) leave() {
	l.cancel(ErrClosed)
	_ = l.ws.Close(websocket.StatusNormalClosure, "")
}

func (l *link) dispatch(data []byte, pushed func(reply)) {
	var head struct {
		Type string `json:"type"`
		Ref  string `json:"ref"`
	}
	if strict.Unmarshal(data, &head) != nil || head.Type == "" {
		// API Gateway's own error (protocol §3). It does not say which frame it
		// is about, so everything that waits is tried again.
		head.Type, head.Ref = "", ""
	}
	answer := reply{kind: head.Type, data: data}
	if !l.answer(head.Ref, answer) && head.Type != "" && head.Type != frame.TypeError {
		pushed(answer)
	}
}

// answer gives an answer to the request that waits for it and says whether
// there is one. An error that could not name its ref belongs to the only
// request there is; among several, each is tried again.
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

// request sends a frame and returns the answer to it. Errors: errLost;
// errSilence; a wireError or chat.TryAgain for an error frame;
// chat.FrameTooLarge; the reason why ctx ended.
func (l *link) request(ctx context.Context, r frame.Request, kind string) ([]byte, error) {
	answer := make(chan reply, 1)
	l.mu.Lock()
	l.last++
	r.Ref = strconv.Itoa(l.last)
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
		return nil, errSilence
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.ctx.Done():
		select {
		case got := <-answer: // it came just before the end
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
	if len(data) > chat.MaxFrame {
		return chat.FrameTooLarge
	}
	// Not the caller's context: a write that is cut off ends the connection.
	ctx, cancel := context.WithTimeout(l.ctx, l.timing.write)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, data); err != nil {
		err = lost(err)
		l.end(err)
		return err
	}
	return nil
}

// as returns the answer's frame if it is of the kind that was asked for.
func (r reply) as(kind string) ([]byte, error) {
	switch r.kind {
	case kind:
		return r.data, nil
	case frame.TypeError:
		return nil, parseWireError(r.data)
	case "":
		return nil, chat.TryAgain
	}
	return nil, unexpected(r.kind, kind)
}
