package main

// Rules of output.
//
//   - stdout is for what was asked for: messages, JSON, frames, keys. A command
//     that only does something prints nothing there.
//   - stderr is for everything else. It has whole lines only; all but the word
//     `listening`, which scripts wait for, begin with `sotto: `.
//   - An error is one line: what is wrong; what to do about it. No stack, no Go
//     syntax, and never a text, a token or a private key.
//   - Exit codes: 0 done, 1 not done, 2 asked for in a wrong way.
//   - What others wrote reaches a terminal with control characters and direction
//     overrides spelled out, and its further lines are indented, so that nobody
//     can move the cursor, recolour the screen or write in another's name.
//     Files and pipes get texts as they are.

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	safe "github.com/sotto-chat/sotto/clients/sotto/harmless"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/strict"
)

// usageError is an error of exit code 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// output is where a command prints. Safe for concurrent use.
type output struct {
	mu             sync.Mutex
	stdout, stderr io.Writer
	terminal       bool // stdout is one
	err            error
}

func newOutput(stdout, stderr io.Writer) *output {
	return &output{stdout: stdout, stderr: stderr, terminal: isTerminal(stdout)}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// line prints one line on stdout. What goes wrong is kept for failed.
func (o *output) line(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := io.WriteString(o.stdout, s+"\n"); err != nil && o.err == nil {
		o.err = fmt.Errorf("cannot write the output: %w", err)
	}
}

// failed returns the first error of line: a reader that is gone, a full disk.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// json prints v as one line of JSON on stdout.
func (o *output) json(v any) error {
	data, err := strict.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	o.line(string(data))
	return o.failed()
}

// notice prints one line on stderr.
func (o *output) notice(format string, a ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = fmt.Fprintf(o.stderr, "sotto: %s\n", harmless(fmt.Sprintf(format, a...)))
}

// signal prints a word that scripts wait for on stderr.
func (o *output) signal(word string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.stderr, word+"\n")
}

// messageJSON is a message in --json.
type messageJSON struct {
	Room     chat.Room      `json:"room"`
	Seq      chat.Seq       `json:"seq"`
	ID       chat.MessageID `json:"id"`
	From     chat.User      `json:"from"`
	Body     string         `json:"body"`
	StoredAt int64          `json:"storedAt"` // Unix ms
}

// placeholderJSON stands in --json where a message cannot be shown.
type placeholderJSON struct {
	Room  chat.Room `json:"room"`
	Seq   chat.Seq  `json:"seq"`
	Error string    `json:"error"`
}

// messageJSON prints a message for scripts.
func (o *output) messageJSON(m client.Message) error {
	if m.Problem != nil {
		return o.json(placeholderJSON{m.Room, m.Seq, m.Problem.Error()})
	}
	return o.json(messageJSON{m.Room, m.Seq, m.ID, m.From, m.Body, m.StoredAt.UnixMilli()})
}

// message prints a message for people, and first that its device is a new one.
func (o *output) message(m client.Message, room string) error {
	if m.NewDevice {
		o.notice("%s writes from a new device (%s); ask %s over another way whether that is so", m.From,
			m.Device, m.From)
	}
	o.line(o.text(m, room))
	return o.failed()
}

// text is a message as a line: the time, the room if it is given, who, what.
func (o *output) text(m client.Message, room string) string {
	if room != "" {
		room = "#" + room + " "
	}
	if m.Problem != nil {
		return fmt.Sprintf("--:-- %s[message %d cannot be shown: %v]", room, m.Seq, m.Problem)
	}
	body := m.Body
	if o.terminal {
		body = harmlessLines(body)
	}
	return fmt.Sprintf("%s %s%s: %s", clock(m.StoredAt), room, m.From, body)
}

// clock is the time of day, with the date if that is not today's.
func clock(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// harmlessLines makes a text harmless for a terminal and keeps its lines, all
// but the first indented so that none looks like a message of its own.
func harmlessLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = harmless(line)
	}
	return strings.Join(lines, "\n      ")
}

// harmless spells out what a terminal would obey instead of show.
func harmless(s string) string { return safe.Text(s) }

// remedies say what to do about the errors of the closed list that a user can
// do something about.
var remedies = map[*chat.Error]string{
	chat.NameInvalid:       "choose another with --user",
	chat.NameTaken:         "choose another with --user, or use the profile (--profile) that has its keys",
	chat.DeviceUnknown:     "use the profile (--profile) that has the user's keys",
	chat.DeviceRevoked:     "use another device of the user, or link a new profile (--profile)",
	chat.StaleDeviceKey:    "this profile is older than the key's last rotation; use the newer one (--profile)",
	chat.NotAMember:        "run: sotto join --user USER ROOM",
	chat.RoomInvalid:       "a room's name has 2 to 32 characters of a-z, 0-9, - and _, and the lobby cannot be left",
	chat.TooManyRooms:      "leave one: sotto leave --user USER ROOM",
	chat.TooManyDevices:    "revoke one: sotto devices revoke THUMBPRINT --user USER",
	chat.BodyTooLarge:      "send it in parts",
	chat.FrameTooLarge:     "send it in parts",
	chat.RateLimited:       "try again later",
	chat.TryAgain:          "try again later",
	chat.Internal:          "try again later, or tell the operator",
	chat.BadSignature:      "check that this program is the newest",
	chat.BadEnvelope:       "check that this program is the newest",
	chat.KeyUnacceptable:   "check that this program is the newest",
	chat.UnknownAction:     "check that --url is the chat's address and this program the newest",
	chat.HandshakeRequired: "try again",
}

// describe is an error as one line.
func describe(err error) string {
	text := err.Error()
	if known, ok := errors.AsType[*chat.Error](err); ok {
		text = strings.TrimSuffix(known.Message(), ".")
		if remedy := remedies[known]; remedy != "" {
			text += "; " + remedy
		}
	} else if path, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrPermission) {
		text = fmt.Sprintf("%s is not yours to use; choose another profile with --profile", path.Path)
	}
	return harmless(strings.ReplaceAll(text, "\n", " "))
}
