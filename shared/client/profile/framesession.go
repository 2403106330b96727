package profile

import (
	"fmt"
	"io"

	"github.com/sotto-chat/sotto/shared/chat"
)

// FrameSession is the state of a `sotto frame` session, in which a person
// copies the frames (protocol §9).
type FrameSession struct {
	KeySet string       `json:"keyset"`       // of the last challenge or serverKey frame
	Nonce  string       `json:"nonce"`        // of the last challenge; the welcome repeats it
	SID    chat.Session `json:"sid,omitzero"` // of the last welcome
	// Session has the keys of the last proof.
	Session SessionKeys `json:"session,omitzero"`
}

// SessionKeys are the keys under which the frames of a session are
// authenticated, 32 bytes for each direction.
type SessionKeys struct {
	ToService [32]byte `json:"toService"`
	ToClient  [32]byte `json:"toClient"`
}

// IsZero reports whether there are no keys.
func (k SessionKeys) IsZero() bool { return k == SessionKeys{} }

// Format keeps the keys out of every formatted text.
func (k SessionKeys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[session keys]") }

type frameSessionRecord struct {
	Version int `json:"version"`
	FrameSession
}

func (u *User) frameSessionFile() string { return u.dir + "/frame.json" }

// FrameSession reads the state of the session, or the zero value.
func (u *User) FrameSession() (FrameSession, error) {
	r, _, err := load[frameSessionRecord](u.deployment.backend, u.frameSessionFile())
	return r.FrameSession, err
}

// SetFrameSession replaces the state of the session.
func (u *User) SetFrameSession(s FrameSession) error {
	return save(u.deployment.backend, u.frameSessionFile(), frameSessionRecord{Version: version, FrameSession: s})
}
