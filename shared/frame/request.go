package frame

import (
	"unicode/utf8"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Actions, by which API Gateway selects the route (protocol §3).
const (
	ActionHandshake    = "handshake"
	ActionSendMessage  = "sendMessage"
	ActionHistory      = "history"
	ActionCreateRoom   = "createRoom"
	ActionJoinRoom     = "joinRoom"
	ActionLeaveRoom    = "leaveRoom"
	ActionRotateKey    = "rotateKey"
	ActionDevices      = "devices"
	ActionRevokeDevice = "revokeDevice"
	ActionPing         = "ping"
	ActionPresence     = "presence"
	ActionTyping       = "typing"
	ActionMark         = "mark"
	ActionRooms        = "rooms"
)

// maxSeq bounds every seq that a client sends: it is the largest integer that
// every JSON reader keeps exact (RFC 8259 §6).
const maxSeq = 1<<53 - 1

// Request is a client's frame. Which members must be present depends on the
// action. The values of a request that Parse returned have been checked.
type Request struct {
	Action string    `json:"action"`
	Ref    string    `json:"ref,omitzero"`
	V      int       `json:"v,omitzero"`     // handshake, begin: the protocol's version
	User   chat.User `json:"user,omitzero"`  // handshake, begin
	Proof  string    `json:"proof,omitzero"` // handshake, prove; rotateKey; revokeDevice
	JWE    string    `json:"jwe,omitzero"`   // sendMessage
	Room   chat.Room `json:"room,omitzero"`  // history, createRoom, joinRoom, leaveRoom, presence, typing, mark; rooms, of which one
	After  chat.Seq  `json:"after,omitzero"` // history: the page begins after this seq
	Limit  int       `json:"limit,omitzero"` // history: 1 to chat.MaxHistoryLimit, the default
	// Heads selects the rooms of a ping, at most chat.MaxRooms. The seqs are
	// the last ones that the client has; the service checks their form and
	// answers with its own heads, whatever they are.
	Heads map[chat.Room]chat.Seq `json:"heads,omitzero"`

	Delivered chat.Seq `json:"delivered,omitzero"` // mark: the highest seq that the client has
	Read      chat.Seq `json:"read,omitzero"`      // mark: the highest seq that was on the screen

	// MAC is the last member of every frame of a session. Package keyring
	// checks it over the frame's bytes.
	MAC string `json:"mac,omitzero"`
}

// Parse reads and checks the frame of one action. The second result is the
// frame's ref, as far as it could be read, so that an error frame can carry it.
// Errors: chat.BadFrame, chat.FrameTooLarge, chat.VersionUnsupported,
// chat.NameInvalid, chat.RoomInvalid.
func Parse(action string, body []byte) (*Request, string, error) {
	if len(body) > chat.MaxFrame {
		return nil, "", chat.FrameTooLarge
	}
	var r Request
	if err := strict.Unmarshal(body, &r); err != nil {
		return nil, "", chat.BadFrame
	}
	if utf8.RuneCountInString(r.Ref) > chat.MaxRef {
		return nil, "", chat.BadFrame
	}
	if r.Action != action {
		return nil, r.Ref, chat.BadFrame
	}
	if err := r.check(); err != nil {
		return nil, r.Ref, err
	}
	return &r, r.Ref, nil
}

// Ref reads the ref of a frame of any action, and reports whether body is a
// frame at all. The ref is empty if the frame has none.
func Ref(body []byte) (ref string, isFrame bool) {
	var r struct {
		Action string `json:"action"`
		Ref    string `json:"ref"`
	}
	if len(body) > chat.MaxFrame || strict.Unmarshal(body, &r) != nil ||
		utf8.RuneCountInString(r.Ref) > chat.MaxRef || r.Action == "" {
		return "", false
	}
	return r.Ref, true
}

// check checks the members that the action uses, and sets their defaults.
func (r *Request) check() error {
	if err := r.checkMembers(); err != nil {
		return err
	}
	if r.Ref == "" && r.isAnswered() {
		return chat.BadFrame
	}
	return nil
}

func (r *Request) checkMembers() error {
	switch r.Action {
	case ActionHandshake:
		return r.checkHandshake()
	case ActionSendMessage:
		return present(r.JWE)
	case ActionRotateKey, ActionRevokeDevice:
		return present(r.Proof)
	case ActionHistory:
		return r.checkHistory()
	case ActionCreateRoom, ActionJoinRoom, ActionLeaveRoom:
		return r.checkOpenRoom()
	case ActionPresence, ActionTyping:
		return r.checkRoom()
	case ActionRooms:
		if r.Room == "" {
			return nil // all rooms of the user
		}
		return r.checkRoom()
	case ActionMark:
		return r.checkMark()
	case ActionPing:
		return r.checkHeads()
	}
	return nil
}

// isAnswered reports whether a session's request has an answer, which repeats
// the request's ref. A handshake's answers are bound by its nonce.
func (r *Request) isAnswered() bool {
	return r.Action != ActionHandshake && r.Action != ActionTyping && r.Action != ActionMark
}

func present(text string) error {
	if text == "" {
		return chat.BadFrame
	}
	return nil
}

// isSeq reports whether s may be sent as a seq; 0 means before the first.
func isSeq(s chat.Seq) bool { return s >= 0 && s <= maxSeq }

func (r *Request) checkHandshake() error {
	if (r.User == "") == (r.Proof == "") {
		return chat.BadFrame // begin and prove are two frames (protocol §3)
	}
	if r.User == "" {
		return nil
	}
	if r.V != Version {
		return chat.VersionUnsupported
	}
	return r.User.Check()
}

func (r *Request) checkHistory() error {
	// The page begins at the next seq, which must be exact as well.
	if !isSeq(r.After) || r.After == maxSeq || r.Limit < 0 || r.Limit > chat.MaxHistoryLimit {
		return chat.BadFrame
	}
	if r.Limit == 0 {
		r.Limit = chat.MaxHistoryLimit
	}
	return r.checkRoom()
}

func (r *Request) checkMark() error {
	if !isSeq(r.Delivered) || r.Read < 0 || r.Read > r.Delivered {
		return chat.BadFrame
	}
	return r.checkRoom()
}

func (r *Request) checkHeads() error {
	if len(r.Heads) > chat.MaxRooms {
		return chat.BadFrame
	}
	for room, seq := range r.Heads {
		if room.Check() != nil || !isSeq(seq) {
			return chat.BadFrame
		}
	}
	return nil
}

func (r *Request) checkRoom() error {
	if r.Room == "" {
		return chat.BadFrame
	}
	return r.Room.Check()
}

// checkOpenRoom checks the room of an action that exists for open rooms only:
// what changes a closed room is a signed operation.
func (r *Request) checkOpenRoom() error {
	if err := r.checkRoom(); err != nil {
		return err
	}
	if r.Room.IsClosed() {
		return chat.RoomInvalid
	}
	return nil
}
