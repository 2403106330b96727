package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// text is the number of a sent text. The history contains no plaintext: the
// checks compare which text is at which seq.
type text int

// unreadable is a text that its recipient could not read.
const unreadable text = -1

// instant is a time in nanoseconds since the history began, on the monotonic
// clock.
type instant int64

// noReturn is the return of an operation without an answer: it may take effect
// at any time after its call, or never.
const noReturn instant = 1<<63 - 1

// kind is the kind of an operation.
type kind string

const (
	kindSend   kind = "send"   // Text → Seq
	kindRead   kind = "read"   // After → Head, From, Texts
	kindHead   kind = "head"   // → Head
	kindRotate kind = "rotate" // Gen
	kindSealed kind = "sealed" // something was sealed to the device's key of generation Gen
)

// operation is one call by one participant. The kind decides which members
// below Error are set.
type operation struct {
	Kind   kind      `json:"kind"`
	User   chat.User `json:"user"`
	Call   instant   `json:"call"`
	Return instant   `json:"return"`
	Error  string    `json:"error,omitempty"`

	Room  chat.Room  `json:"room,omitempty"`
	Epoch chat.Epoch `json:"epoch,omitempty"`
	Text  text       `json:"text,omitempty"`
	Seq   chat.Seq   `json:"seq,omitempty"`
	After chat.Seq   `json:"after,omitempty"`
	From  chat.Seq   `json:"from,omitempty"`
	Head  chat.Seq   `json:"head,omitempty"`
	Texts []text     `json:"texts,omitempty"`
	Gen   int64      `json:"gen,omitempty"`
	// Row is the row from which the service read the device's key to seal to:
	// "" is the device's row, others belong to a connection in a room.
	Row string `json:"row,omitempty"`
}

// answered reports whether the operation has returned.
func (o *operation) answered() bool { return o.Return != noReturn }

// delivery is a message frame as received, still sealed.
type delivery struct {
	User       chat.User `json:"user"`
	Connection int       `json:"connection"`
	Room       chat.Room `json:"room"`
	Seq        chat.Seq  `json:"seq"`
	Key        string    `json:"key"` // thumbprint of the key that it is sealed to
	At         instant   `json:"at"`
}

// pageSeal is a page of history as received, still sealed.
type pageSeal struct {
	User   chat.User `json:"user"`
	Key    string    `json:"key"`
	Call   instant   `json:"call"`
	Return instant   `json:"return"`
}

// history is everything that the participants saw. It is safe for concurrent
// use.
type history struct {
	began  time.Time
	marker string // every text begins with it; nothing else contains it

	mu         sync.Mutex
	operations []*operation
	deliveries []delivery
	pages      []pageSeal
	generation map[string]int64       // of a device's key, by its thumbprint
	texts      text                   // the last number used
	captured   map[chat.User][]string // tokens of sendMessage frames, each once
	violations []string               // problems found during the run
}

func newHistory(marker string) *history {
	return &history{
		began:      time.Now(),
		marker:     marker,
		generation: map[string]int64{},
		captured:   map[chat.User][]string{},
	}
}

func (h *history) now() instant { return instant(time.Since(h.began)) }

// call records the call of an operation. It is without a return until returned.
func (h *history) call(o operation) *operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Call, o.Return = h.now(), noReturn
	h.operations = append(h.operations, &o)
	return &o
}

// returned records the answer to an operation; set fills in its members.
func (h *history) returned(o *operation, set func(*operation)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Return = h.now()
	if set != nil {
		set(o)
	}
}

// update changes an operation that has not returned.
func (h *history) update(o *operation, set func(*operation)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	set(o)
}

// failed records why an operation has no answer. It remains without a return.
func (h *history) failed(o *operation, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Error = err.Error()
}

// write returns a new text of about size bytes.
func (h *history) write(size int) (text, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts++
	body := fmt.Sprintf("%s %d", h.marker, h.texts)
	return h.texts, body + strings.Repeat(" "+h.marker, size/(len(h.marker)+1))
}

// identify returns which text a body is.
func (h *history) identify(body string) text {
	var marker string
	var t text
	if n, err := fmt.Sscanf(body, "%s %d", &marker, &t); n != 2 || err != nil || marker != h.marker {
		return unreadable
	}
	return t
}

// learnKeys records the keys of a device.
func (h *history) learnKeys(d profile.Device) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range []*profile.Key{&d.Current, d.Next, d.Previous} {
		if k != nil {
			h.generation[k.Private.Thumbprint()] = k.Gen
		}
	}
}

// violation records a problem that is certain without the final checks.
func (h *history) violation(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, fmt.Sprintf(format, args...))
}

// capture records the token of a sendMessage frame.
func (h *history) capture(user chat.User, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.captured[user], token) { // not a replay
		h.captured[user] = append(h.captured[user], strings.Clone(token))
	}
}

// pickCaptured returns one of a user's tokens, which choose picks of n, or ""
// if there is none.
func (h *history) pickCaptured(user chat.User, choose func(n int) int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.captured[user]) == 0 {
		return ""
	}
	return h.captured[user][choose(len(h.captured[user]))]
}

func (h *history) delivered(d delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deliveries = append(h.deliveries, d)
}

func (h *history) sealedPage(p pageSeal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages = append(h.pages, p)
}

// save writes the history as JSON, without plaintext.
func (h *history) save(path string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, err := json.MarshalIndent(map[string]any{
		"operations": h.operations, "deliveries": h.deliveries, "pages": h.pages,
		"generations": h.generation, "violations": h.violations,
	}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
