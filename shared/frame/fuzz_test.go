package frame_test

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// FuzzParse checks the trust boundary: a frame that Parse takes has names, ids
// and numbers within their bounds and means the same when it is written and
// read again; every other frame gets an error of the closed list. The seeds are
// in testdata/fuzz.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, action string, body []byte) {
		r, ref, err := frame.Parse(action, body)
		if utf8.RuneCountInString(ref) > chat.MaxRef {
			t.Errorf("got a ref of %d characters, want at most %d", utf8.RuneCountInString(ref), chat.MaxRef)
		}
		if err != nil {
			if _, known := errors.AsType[*chat.Error](err); !known || r != nil {
				t.Errorf("got %+v and error %v, want an error of the closed list alone", r, err)
			}
			return
		}
		if r.Action != action || r.Ref != ref || len(body) > chat.MaxFrame {
			t.Errorf("took %+v of %d bytes for action %q with ref %q", r, len(body), action, ref)
		}
		checkBounds(t, r)
		data, err := strict.Marshal(r)
		if err != nil {
			t.Fatalf("write %+v: %v", r, err)
		}
		if len(data) > chat.MaxFrame {
			return // the default limit of a page made it longer
		}
		again, _, err := frame.Parse(action, data)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%s: got %+v and error %v, want %+v", data, again, err, r)
		}
	})
}

// checkBounds wants the members that the use cases rely on within bounds.
func checkBounds(t *testing.T, r *frame.Request) {
	t.Helper()
	switch r.Action {
	case frame.ActionHistory, frame.ActionJoinRoom, frame.ActionLeaveRoom, frame.ActionPresence,
		frame.ActionTyping, frame.ActionMark:
		if err := r.Room.Check(); err != nil {
			t.Errorf("took the room %q", r.Room)
		}
	case frame.ActionHandshake:
		if r.User != "" && r.User.Check() != nil {
			t.Errorf("took the name %q", r.User)
		}
	}
	switch r.Action {
	case frame.ActionHistory:
		if r.After < 0 || r.After > maxSeq || r.Limit < 1 || r.Limit > chat.MaxHistoryLimit {
			t.Errorf("took a page of %d after %d", r.Limit, r.After)
		}
	case frame.ActionMark:
		if r.Read < 0 || r.Read > r.Delivered || r.Delivered > maxSeq {
			t.Errorf("took the marks %d and %d", r.Delivered, r.Read)
		}
	case frame.ActionPing:
		if len(r.Heads) > chat.MaxRooms {
			t.Errorf("took the heads of %d rooms", len(r.Heads))
		}
		for room, seq := range r.Heads {
			if room.Check() != nil || seq < 0 || seq > maxSeq {
				t.Errorf("took the head %d of room %q", seq, room)
			}
		}
	}
}
