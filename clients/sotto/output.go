package main

// Rules of output.
//
//   - stdout is for results: messages, JSON, frames, keys. A command without a
//     result prints nothing there.
//   - stderr is for everything else, in whole lines. Each begins with `sotto: `,
//     except for the line `listening`, which scripts wait for.
//   - An error is one line: what is wrong; what to do about it. It has no stack,
//     no Go syntax, and never a text, a token or a private key.
//   - Exit codes: 0 success, 1 failure, 2 wrong usage.
//   - On a terminal, control characters and direction overrides in the texts of
//     other users are escaped and continuation lines are indented, so that a
//     text cannot move the cursor, change colours or imitate another user.
//     Files and pipes get texts unchanged.

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
	"github.com/sotto-chat/sotto/clients/sotto/roomcmd"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// usageError is an error with exit code 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// output is where a command prints. It is safe for concurrent use.
type output struct {
	mu             sync.Mutex
	stdout, stderr io.Writer
	terminal       bool // whether stdout is a terminal
	err            error
}

func newOutput(stdout, stderr io.Writer) *output {
	return &output{stdout: stdout, stderr: stderr, terminal: isTerminal(stdout)}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// line prints one line on stdout. failed returns its error.
func (o *output) line(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := io.WriteString(o.stdout, s+"\n"); err != nil && o.err == nil {
		o.err = fmt.Errorf("cannot write to stdout: %w", err)
	}
}

// failed returns the first error of line, such as a closed pipe or a full disk.
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

// signal prints a word on stderr that scripts wait for.
func (o *output) signal(word string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.stderr, word+"\n")
}

// messageJSON is a message with --json.
type messageJSON struct {
	Room     chat.Room      `json:"room"`
	Seq      chat.Seq       `json:"seq"`
	ID       chat.MessageID `json:"id"`
	From     chat.User      `json:"from"`
	Body     string         `json:"body"`
	Op       *operationJSON `json:"op,omitzero"`
	StoredAt int64          `json:"storedAt"` // Unix ms
}

// operationJSON is an operation on a closed room, in place of a text.
type operationJSON struct {
	Name frame.Op      `json:"name"`
	User chat.User     `json:"user,omitzero"`
	Role chat.Role     `json:"role,omitzero"`
	Room chat.RoomName `json:"room,omitzero"`
}

// placeholderJSON replaces a message that cannot be shown with --json.
type placeholderJSON struct {
	Room  chat.Room `json:"room"`
	Seq   chat.Seq  `json:"seq"`
	Error string    `json:"error"`
}

// messageJSON prints a message as JSON.
func (o *output) messageJSON(m client.Message) error {
	if m.Problem != nil {
		return o.json(placeholderJSON{m.Room, m.Seq, m.Problem.Error()})
	}
	printed := messageJSON{
		Room:     m.Room,
		Seq:      m.Seq,
		ID:       m.ID,
		From:     m.From,
		Body:     m.Body,
		StoredAt: m.StoredAt.UnixMilli(),
	}
	if op := m.Operation; op != nil {
		printed.Op = &operationJSON{Name: op.Op, User: op.User, Role: op.Role, Room: op.Name}
	}
	return o.json(printed)
}

// message prints a message for people, and a warning if its device is new.
func (o *output) message(m client.Message, room string) error {
	if m.NewDevice {
		o.notice("%s writes from a new device (%s); ask %s in another way, such as a call, whether this is true",
			m.From,
			m.Device, m.From)
	}
	o.line(o.text(m, room))
	return o.failed()
}

// text formats a message as a line: time, room if not empty, sender, text.
func (o *output) text(m client.Message, room string) string {
	if room != "" {
		room = "#" + room + " "
	}
	if m.Problem != nil {
		return fmt.Sprintf("--:-- %s[message %d cannot be shown: %v]", room, m.Seq, m.Problem)
	}
	if m.Operation != nil {
		return fmt.Sprintf("%s %s-- %s", clock(m.StoredAt), room, roomcmd.Entry(m.From, m.Operation))
	}
	body := m.Body
	if o.terminal {
		body = harmlessLines(body)
	}
	return fmt.Sprintf("%s %s%s: %s", clock(m.StoredAt), room, m.From, body)
}

// clock formats a time of day, with the date if it is not today.
func clock(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// harmlessLines makes a text safe for a terminal and keeps its lines. It
// indents all but the first, so that none looks like another message.
func harmlessLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = harmless(line)
	}
	return strings.Join(lines, "\n      ")
}

// harmless escapes control characters (package harmless).
func harmless(s string) string { return safe.Text(s) }

// remedies say what a user can do about errors of the closed list.
var remedies = map[*chat.Error]string{
	chat.NameInvalid:       "choose another with --user",
	chat.NameTaken:         "choose another with --user, or use the profile (--profile) that has its keys",
	chat.DeviceUnknown:     "use the profile (--profile) that has the user's keys",
	chat.DeviceRevoked:     "use another device of the user, or link a new profile (--profile)",
	chat.StaleDeviceKey:    "this profile is older than the key's last rotation; use the newer one (--profile)",
	chat.NotAMember:        "run: sotto join --user USER ROOM; a closed room needs an invitation",
	chat.RoomInvalid:       "a room's name has 2 to 32 characters of a-z, 0-9, - and _ and is not reserved; the lobby cannot be left",
	chat.RoomTaken:         "choose another name, or run: sotto join --user USER ROOM",
	chat.NotFresh:          "set this machine's clock",
	chat.TooManyRooms:      "leave one: sotto leave --user USER ROOM",
	chat.TooManyDevices:    "revoke one: sotto devices revoke THUMBPRINT --user USER",
	chat.BodyTooLarge:      "send it in parts",
	chat.FrameTooLarge:     "send it in parts",
	chat.RateLimited:       "try again later",
	chat.TryAgain:          "try again later",
	chat.Internal:          "try again later, or tell the operator",
	chat.BadSignature:      "check that this program is up to date",
	chat.BadEnvelope:       "check that this program is up to date",
	chat.KeyUnacceptable:   "check that this program is up to date",
	chat.UnknownAction:     "check --url, and that this program is up to date",
	chat.HandshakeRequired: "try again",
}

// describe formats an error as one line.
func describe(err error) string {
	text := err.Error()
	if known, ok := errors.AsType[*chat.Error](err); ok {
		text = strings.TrimSuffix(known.Message(), ".")
		if remedy := remedies[known]; remedy != "" {
			text += "; " + remedy
		}
	} else if path, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrPermission) {
		text = fmt.Sprintf("no permission for %s; choose another profile with --profile", path.Path)
	}
	return harmless(strings.ReplaceAll(text, "\n", " "))
}
