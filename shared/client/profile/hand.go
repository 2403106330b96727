package profile

import "github.com/sotto-chat/sotto/shared/chat"

// Hand is the state of a session whose frames are carried by hand (protocol
// §9).
type Hand struct {
	KeySet string       `json:"keyset"`       // of the last challenge or serverKey frame
	Nonce  string       `json:"nonce"`        // of the last challenge, which the welcome repeats
	SID    chat.Session `json:"sid,omitzero"` // of the last welcome
}

type handRecord struct {
	Version int `json:"version"`
	Hand
}

func (u *User) handFile() string { return u.dir + "/frame.json" }

// Hand reads the state; the zero value where there is none.
func (u *User) Hand() (Hand, error) {
	r, _, err := load[handRecord](u.deployment.backend, u.handFile())
	return r.Hand, err
}

// SetHand replaces the state.
func (u *User) SetHand(h Hand) error {
	return save(u.deployment.backend, u.handFile(), handRecord{Version: version, Hand: h})
}
