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

// text names a sent text. What was written stands in no history: the checks
// compare which text stands where.
type text int

// unreadable stands for a text that its recipient was not able to read.
const unreadable text = -1

// instant is in nanoseconds since the history began, on the monotonic clock.
type instant int64

// open is the return of an operation that was not answered: it may take effect
// at any time from its call on, or never.
const open instant = 1<<63 - 1

// kind is what an operation does.
type kind string

const (
	kindSend   kind = "send"   // Text → Seq
	kindRead   kind = "read"   // After → Head, From, Texts
	kindHead   kind = "head"   // → Head
	kindRotate kind = "rotate" // Gen
	kindSealed kind = "sealed" // something was sealed to the device's key of Gen
)

// operation is one call of one participant. Which of the members below Error
// count depends on the kind.
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
	// Row is where the service reads the device's key from for what it seals:
	// "" is the device's own row, others are a connection's in a room.
	Row string `json:"row,omitempty"`
}

// answered says whether the operation has returned.
func (o *operation) answered() bool { return o.Return != open }

// delivery is a message frame as it came over a connection, sealed.
type delivery struct {
	User       chat.User `json:"user"`
	Connection int       `json:"connection"`
	Room       chat.Room `json:"room"`
	Seq        chat.Seq  `json:"seq"`
	Key        string    `json:"key"` // thumbprint of what it is sealed to
	At         instant   `json:"at"`
}

// pageSeal is a page of history as it came, sealed.
type pageSeal struct {
	User   chat.User `json:"user"`
	Key    string    `json:"key"`
	Call   instant   `json:"call"`
	Return instant   `json:"return"`
}

// history is all that was seen. Safe for concurrent use.
type history struct {
	began  time.Time
	marker string // every text begins with it, and nothing else has it

	mu         sync.Mutex
	operations []*operation
	deliveries []delivery
	pages      []pageSeal
	generation map[string]int64       // of a device's key, by its thumbprint
	texts      text                   // the last one given out
	captured   map[chat.User][]string // tokens of sendMessage frames, each once
	violations []string               // what is wrong beyond doubt when it is seen
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

// begin records a call. The operation is open until done.
func (h *history) begin(o operation) *operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Call, o.Return = h.now(), open
	h.operations = append(h.operations, &o)
	return &o
}

// done records the answer to an operation, which set fills in.
func (h *history) done(o *operation, set func(*operation)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Return = h.now()
	if set != nil {
		set(o)
	}
}

// with changes an operation that is open.
func (h *history) with(o *operation, set func(*operation)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	set(o)
}

// failed records why there is no answer. The operation stays open.
func (h *history) failed(o *operation, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.Error = err.Error()
}

// write makes a new text of about size bytes.
func (h *history) write(size int) (text, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts++
	body := fmt.Sprintf("%s %d", h.marker, h.texts)
	return h.texts, body + strings.Repeat(" "+h.marker, size/(len(h.marker)+1))
}

// identify finds out which text a body is.
func (h *history) identify(body string) text {
	var marker string
	var t text
	if n, err := fmt.Sscanf(body, "%s %d", &marker, &t); n != 2 || err != nil || marker != h.marker {
		return unreadable
	}
	return t
}

// learnKeys notes which keys a device has.
func (h *history) learnKeys(d profile.Device) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range []*profile.Key{&d.Current, d.Next, d.Previous} {
		if k != nil {
			h.generation[k.Private.Thumbprint()] = k.Gen
		}
	}
}

// violate records what is wrong beyond doubt.
func (h *history) violate(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, fmt.Sprintf(format, args...))
}

// capture keeps what stood in a sendMessage frame.
func (h *history) capture(user chat.User, token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.captured[user], token) { // and not a replay of it
		h.captured[user] = append(h.captured[user], strings.Clone(token))
	}
}

// aCapture returns what a user has sent, the one that choose picks of n; "" if
// there is none.
func (h *history) aCapture(user chat.User, choose func(n int) int) string {
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

// save writes the history as JSON. No text is in it.
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
