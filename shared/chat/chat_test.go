package chat_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]struct{ user, room error }{
		"ada":                   {},
		"a1":                    {},
		"0_-":                   {},
		strings.Repeat("a", 32): {},
		"den":                   {},
		"lobby":                 {user: chat.NameInvalid},
		"everyone":              {user: chat.NameInvalid},
		"admin":                 {user: chat.NameInvalid},
		"system":                {user: chat.NameInvalid},
		"service":               {user: chat.NameInvalid},
		"sotto":                 {user: chat.NameInvalid},
		"":                      {chat.NameInvalid, chat.RoomInvalid},
		"a":                     {chat.NameInvalid, chat.RoomInvalid},
		strings.Repeat("a", 33): {chat.NameInvalid, chat.RoomInvalid},
		"Ada":                   {chat.NameInvalid, chat.RoomInvalid},
		"-ada":                  {chat.NameInvalid, chat.RoomInvalid},
		"_ada":                  {chat.NameInvalid, chat.RoomInvalid},
		"ad a":                  {chat.NameInvalid, chat.RoomInvalid},
		"ada\n":                 {chat.NameInvalid, chat.RoomInvalid},
		"adä":                   {chat.NameInvalid, chat.RoomInvalid},
	} {
		user, err := chat.ParseUser(name)
		if !errors.Is(err, want.user) || err == nil && user != chat.User(name) || err != nil && user != "" {
			t.Errorf("user %q: got %q and error %v, want error %v", name, user, err, want.user)
		}
		room, err := chat.ParseRoom(name)
		if !errors.Is(err, want.room) || err == nil && room != chat.Room(name) || err != nil && room != "" {
			t.Errorf("room %q: got %q and error %v, want error %v", name, room, err, want.room)
		}
	}
}

func TestMessageID(t *testing.T) {
	for id, want := range map[chat.MessageID]error{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":  nil,
		"7ZZZZZZZZZZZZZZZZZZZZZZZZZ":  nil,
		"8ZZZZZZZZZZZZZZZZZZZZZZZZZ":  chat.BadEnvelope, // more than 128 bits
		"01arz3ndektsv4rrffq69g5fav":  chat.BadEnvelope,
		"01ARZ3NDEKTSV4RRFFQ69G5FAU":  chat.BadEnvelope, // Crockford's base 32 has no U
		"01ARZ3NDEKTSV4RRFFQ69G5FA":   chat.BadEnvelope,
		"01ARZ3NDEKTSV4RRFFQ69G5FAVV": chat.BadEnvelope,
		"":                            chat.BadEnvelope,
	} {
		if err := id.Check(); !errors.Is(err, want) {
			t.Errorf("%q: got error %v, want %v", id, err, want)
		}
	}
}

func TestIsThumbprint(t *testing.T) {
	for s, want := range map[string]bool{
		strings.Repeat("A", 43):       true,
		strings.Repeat("_", 42) + "8": true,
		strings.Repeat("_", 43):       false, // the last two bits of the hash are zero
		strings.Repeat("A", 42):       false,
		strings.Repeat("A", 44):       false,
		strings.Repeat("+", 43):       false,
	} {
		if got := chat.IsThumbprint(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
		if got := chat.IsThumbprint(chat.Device(s)); got != want {
			t.Errorf("device %q: got %v, want %v", s, got, want)
		}
	}
}

// TestRandomIDs wants fresh ids of the sizes that the protocol names.
func TestRandomIDs(t *testing.T) {
	base64url := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	seen := map[string]bool{}
	for range 100 {
		for id, size := range map[string]int{
			string(chat.NewSession()): 22, // 128 bits
			string(chat.NewEpoch()):   12, // 72 bits
			chat.NewNonce():           43, // 256 bits
		} {
			if len(id) != size || !base64url.MatchString(id) || seen[id] {
				t.Fatalf("got %q, want %d fresh characters of base64url", id, size)
			}
			seen[id] = true
		}
	}
}

// TestErrors keeps the closed list closed: each code once, each with a
// sentence, and a list that a caller cannot change.
func TestErrors(t *testing.T) {
	codes := map[chat.Code]bool{}
	for _, e := range chat.Errors() {
		if codes[e.Code()] || !regexp.MustCompile(`^[a-z_]+$`).MatchString(string(e.Code())) {
			t.Errorf("got the code %q, want each code once, in lower case", e.Code())
		}
		codes[e.Code()] = true
		if message := e.Message(); len(message) < 10 || !strings.HasSuffix(message, ".") {
			t.Errorf("%s: got the message %q, want a sentence", e.Code(), message)
		}
		if e.Closes() && e.Retry() {
			t.Errorf("%s: closes the connection and allows a retry on it", e.Code())
		}
		if want := fmt.Sprintf("%s: %s", e.Code(), e.Message()); e.Error() != want {
			t.Errorf("got error %q, want %q", e, want)
		}
	}
	chat.Errors()[0] = chat.Internal
	if first := chat.Errors()[0]; first != chat.BadFrame {
		t.Errorf("a caller changed the closed list: its first error is %v", first)
	}
}

func TestNewError(t *testing.T) {
	e := chat.NewError("too_new", "Not known yet.", true)
	if e.Code() != "too_new" || e.Message() != "Not known yet." || !e.Retry() || e.Closes() {
		t.Errorf("got %+v, want the given values", e)
	}
	if errors.Is(chat.NewError(chat.BadFrame.Code(), chat.BadFrame.Message(), false), chat.BadFrame) {
		t.Error("an equal error counts as one of the closed list")
	}
}

// TestLimitsInMessages keeps the texts of errors true when a limit changes.
func TestLimitsInMessages(t *testing.T) {
	for e, limit := range map[*chat.Error]int{
		chat.FrameTooLarge:  chat.MaxFrame,
		chat.BodyTooLarge:   chat.MaxBody,
		chat.TooManyRooms:   chat.MaxRooms,
		chat.TooManyDevices: chat.MaxDevices,
	} {
		if !strings.Contains(e.Message(), fmt.Sprintf(" %d ", limit)) {
			t.Errorf("%s: got the message %q, want the limit %d in it", e.Code(), e.Message(), limit)
		}
	}
	if chat.ConnectionRowLifetime <= chat.ConnectionLifetime || chat.PingInterval >= 10*time.Minute {
		t.Error("a row must outlive its connection, and a ping must come before API Gateway's 10 idle minutes")
	}
}
