package chaos

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// readLimit is the read limit of a WebSocket in bytes, above what API Gateway
// delivers.
const readLimit = 256 << 10

// proxy forwards frames between one user and the stack. It forwards each frame
// unchanged, records what the user's client hides, and can drop connections. It
// keeps its address while the stack is killed and restarted.
type proxy struct {
	history  *history
	user     chat.User
	upstream string // the stack's WebSocket address
	forms    map[string][]byte
	server   *http.Server
	url      string // the address that the user dials
	profile  string // the name of that address in the user's profile

	mu          sync.Mutex
	connections map[int]*link
	count       int
	cuts        int
}

// link is one forwarded connection: the user's half and the stack's.
type link struct {
	number        int
	client, stack *websocket.Conn

	mu    sync.Mutex
	pages map[string]instant // when a page of history was requested, by ref
}

func newProxy(h *history, user chat.User, upstream string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &proxy{history: h, user: user, upstream: upstream, forms: forms(h.marker), connections: map[int]*link{}}
	w.url = "ws://" + listener.Addr().String() + "/local"
	if w.profile, err = device.Address(w.url); err != nil {
		return nil, err
	}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.server.Serve(listener) }() // ends with close
	return w, nil
}

func (w *proxy) close() {
	_ = w.server.Close()
	w.cutAll()
}

// cutAll drops all connections on both sides, without a close frame.
func (w *proxy) cutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range w.connections {
		w.cuts++
		j.drop()
	}
}

func (j *link) drop() {
	_ = j.client.CloseNow()
	_ = j.stack.CloseNow()
}

// ServeHTTP opens a connection to the stack, and accepts the user's only if
// that succeeds.
func (w *proxy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), waitTimeout)
	defer cancel()
	stack, response, err := websocket.Dial(ctx, w.upstream,
		&websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	switch {
	case err != nil && response != nil && response.StatusCode != http.StatusSwitchingProtocols:
		rw.WriteHeader(response.StatusCode)
		return
	case err != nil:
		panic(http.ErrAbortHandler) // the stack is down: send no HTTP response
	}
	client, err := websocket.Accept(rw, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		_ = stack.CloseNow()
		return
	}
	client.SetReadLimit(readLimit)
	stack.SetReadLimit(readLimit)
	j := &link{client: client, stack: stack, pages: map[string]instant{}}
	w.mu.Lock()
	w.count++
	j.number = w.count
	w.connections[j.number] = j
	w.mu.Unlock()
	var halves sync.WaitGroup
	halves.Go(func() { w.pump(j, client, stack, w.sent) })
	halves.Go(func() { w.pump(j, stack, client, w.received) })
	halves.Wait()
	w.mu.Lock()
	delete(w.connections, j.number)
	w.mu.Unlock()
}

// pump forwards frames until one side ends, and then ends the other.
func (w *proxy) pump(j *link, from, to *websocket.Conn, note func(*link, []byte)) {
	defer j.drop()
	for {
		kind, data, err := from.Read(context.Background())
		if err != nil {
			return
		}
		for form := range found(data, w.forms) {
			w.history.violation("got a text on the connection of %s (%s), want it encrypted", w.user, form)
		}
		note(j, data)
		if err := to.Write(context.Background(), kind, data); err != nil {
			return
		}
	}
}

// sent records what the user sends.
func (w *proxy) sent(j *link, data []byte) {
	var r frame.Request
	if strict.Unmarshal(data, &r) != nil {
		return
	}
	switch r.Action {
	case frame.ActionSendMessage:
		w.history.capture(w.user, r.JWE)
	case frame.ActionHistory:
		j.mu.Lock()
		j.pages[r.Ref] = w.history.now()
		j.mu.Unlock()
	}
}

// received records what the stack sends.
func (w *proxy) received(j *link, data []byte) {
	at := w.history.now()
	var head struct {
		Type string `json:"type"`
	}
	if strict.Unmarshal(data, &head) != nil {
		return
	}
	switch head.Type {
	case frame.TypeMessage:
		var m frame.Message
		if strict.Unmarshal(data, &m) != nil {
			return
		}
		sealed, err := envelope.ParseSealed(m.JWE, envelope.TypeSealedMessage)
		if err != nil {
			w.history.violation("%s: got a message that is not sealed: %v", w.user, err)
			return
		}
		w.history.delivered(delivery{
			User:       w.user,
			Connection: j.number,
			Room:       m.Room,
			Seq:        m.Seq,
			Key:        sealed.KID,
			At:         at,
		})
	case frame.TypeHistory:
		var p frame.History
		if strict.Unmarshal(data, &p) != nil || p.JWE == "" {
			return
		}
		sealed, err := envelope.ParseSealed(p.JWE, envelope.TypeHistory)
		if err != nil {
			w.history.violation("%s: got a page that is not sealed: %v", w.user, err)
			return
		}
		j.mu.Lock()
		call, asked := j.pages[p.Ref]
		j.mu.Unlock()
		if asked {
			w.history.sealedPage(pageSeal{User: w.user, Key: sealed.KID, Call: call, Return: at})
		}
	}
}
