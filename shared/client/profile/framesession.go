package profile

import "github.com/sotto-chat/sotto/shared/chat"

// FrameSession is the state of a `sotto frame` session, in which a person
// copies the frames (protocol §9).
type FrameSession struct {
	KeySet string       `json:"keyset"`       // of the last challenge or serverKey frame
	Nonce  string       `json:"nonce"`        // of the last challenge; the welcome repeats it
	SID    chat.Session `json:"sid,omitzero"` // of the last welcome
}

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
