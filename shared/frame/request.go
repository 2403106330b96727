package frame

import (
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Actions, which API Gateway selects the route by (protocol §3).
const (
	ActionHandshake    = "handshake"
	ActionSendMessage  = "sendMessage"
	ActionHistory      = "history"
	ActionJoinRoom     = "joinRoom"
	ActionLeaveRoom    = "leaveRoom"
	ActionRotateKey    = "rotateKey"
	ActionDevices      = "devices"
	ActionRevokeDevice = "revokeDevice"
	ActionPing         = "ping"
	ActionPresence     = "presence"
	ActionTyping       = "typing"
	ActionMark         = "mark"
)

// maxSeq is the largest integer that every JSON reader keeps exact (RFC 8259
// §6).
const maxSeq = 1<<53 - 1

// Request is a client's frame. Which members must be there depends on the
// action; Parse has checked them.
type Request struct {
	Action string              `json:"action"`
	Ref    string              `json:"ref,omitzero"`
	User   string              `json:"user,omitzero"`  // handshake, begin
	Proof  string              `json:"proof,omitzero"` // handshake, prove; rotateKey; revokeDevice
	JWE    string              `json:"jwe,omitzero"`   // sendMessage
	Room   string              `json:"room,omitzero"`  // history, joinRoom, leaveRoom, presence, typing, mark
	After  int64               `json:"after,omitzero"` // history: the page begins behind this seq
	Limit  int                 `json:"limit,omitzero"` // history: 1 to chat.MaxHistoryLimit, the default
	Heads  map[string]chat.Seq `json:"heads,omitzero"` // ping: the rooms asked about, with the client's last seqs

	Delivered int64 `json:"delivered,omitzero"` // mark: the highest seq that the client has
	Read      int64 `json:"read,omitzero"`      // mark: the highest that was on the screen
}

// Parse reads and validates the frame of one action. The second value is the
// frame's ref, as far as it could be read, so that an error frame can carry it.
// Errors: chat.BadFrame, chat.FrameTooLarge, chat.NameInvalid,
// chat.RoomInvalid.
func Parse(action string, body []byte) (*Request, string, error) {
	if len(body) > chat.MaxFrame {
		return nil, "", chat.FrameTooLarge
	}
	var r Request
	if err := strict.Unmarshal(body, &r); err != nil {
		return nil, "", chat.BadFrame
	}
	if len([]rune(r.Ref)) > chat.MaxRef {
		return nil, "", chat.BadFrame
	}
	if r.Action != action {
		return nil, r.Ref, chat.BadFrame
	}
	return &r, r.Ref, r.check()
}

// Ref reads the ref of a frame of any action, empty if it has none.
func Ref(body []byte) (ref string, isFrame bool) {
	var r struct {
		Action string `json:"action"`
		Ref    string `json:"ref"`
	}
	if len(body) > chat.MaxFrame || strict.Unmarshal(body, &r) != nil ||
		len([]rune(r.Ref)) > chat.MaxRef || r.Action == "" {
		return "", false
	}
	return r.Ref, true
}

func (r *Request) check() error {
	switch r.Action {
	case ActionHandshake:
		if (r.User == "") == (r.Proof == "") {
			return chat.BadFrame // begin and prove are two frames (protocol §3)
		}
		if r.User != "" {
			_, err := chat.ParseUser(r.User)
			return err
		}
	case ActionSendMessage:
		if r.JWE == "" {
			return chat.BadFrame
		}
	case ActionRotateKey, ActionRevokeDevice:
		if r.Proof == "" {
			return chat.BadFrame
		}
	case ActionHistory:
		if r.After < 0 || r.After > maxSeq || r.Limit < 0 || r.Limit > chat.MaxHistoryLimit {
			return chat.BadFrame
		}
		if r.Limit == 0 {
			r.Limit = chat.MaxHistoryLimit
		}
		return r.checkRoom()
	case ActionJoinRoom, ActionLeaveRoom, ActionPresence, ActionTyping:
		return r.checkRoom()
	case ActionMark:
		if r.Read < 0 || r.Read > r.Delivered || r.Delivered > maxSeq {
			return chat.BadFrame
		}
		return r.checkRoom()
	case ActionPing:
		if len(r.Heads) > chat.MaxRooms {
			return chat.BadFrame
		}
		for room, seq := range r.Heads {
			if _, err := chat.ParseRoom(room); err != nil || seq < 0 {
				return chat.BadFrame
			}
		}
	}
	return nil
}

func (r *Request) checkRoom() error {
	if r.Room == "" {
		return chat.BadFrame
	}
	_, err := chat.ParseRoom(r.Room)
	return err
}
