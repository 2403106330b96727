package frame

import (
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
)

// HandshakeClaims are the claims of a `sotto-handshake+jwt` (protocol §4).
type HandshakeClaims struct {
	V     int            `json:"v"`
	Sub   chat.User      `json:"sub"`
	Aud   string         `json:"aud"`
	Nonce string         `json:"nonce"`
	SKID  string         `json:"skid"` // thumbprint of a server key still accepted
	Enc   jsontext.Value `json:"enc"`  // the device's encryption key, a canonical RSA JWK
	Gen   int64          `json:"gen"`  // its generation, from 1
	SK    string         `json:"sk"`   // the session's secret, a `sotto-session+jwe`
	Link  string         `json:"link,omitzero"`
}

// Check checks the form of the claims. Errors: chat.BadProof, chat.NameInvalid.
func (c *HandshakeClaims) Check() error {
	if c.V != Version || c.Aud == "" || c.Nonce == "" || !chat.IsThumbprint(c.SKID) ||
		len(c.Enc) == 0 || c.Gen < 1 || c.SK == "" {
		return chat.BadProof
	}
	return c.Sub.Check()
}

// MessageClaims are the claims of a `sotto-message+jwt` (protocol §5). The
// signature covers session, sender, server key, room and id because an
// encrypted envelope does not show who made it.
type MessageClaims struct {
	V    int            `json:"v"`
	SID  chat.Session   `json:"sid"`
	Sub  chat.User      `json:"sub"`
	SKID string         `json:"skid"` // thumbprint of the server key it is sealed to
	Room chat.Room      `json:"room"`
	ID   chat.MessageID `json:"id"`
	Body string         `json:"body"` // the text, at most chat.MaxBody bytes
}

// Check checks the form of the claims. Errors: chat.BadEnvelope,
// chat.RoomInvalid, chat.BodyTooLarge.
func (c *MessageClaims) Check() error {
	if c.V != Version || c.SID == "" || c.Sub == "" || !chat.IsThumbprint(c.SKID) {
		return chat.BadEnvelope
	}
	if err := c.ID.Check(); err != nil {
		return err
	}
	if err := c.Room.Check(); err != nil {
		return err
	}
	if len(c.Body) > chat.MaxBody {
		return chat.BodyTooLarge
	}
	return nil
}

// RotateClaims are the claims of a `sotto-rotate+jwt` (protocol §7).
type RotateClaims struct {
	SID chat.Session   `json:"sid"`
	Enc jsontext.Value `json:"enc"` // the device's next encryption key, a canonical RSA JWK
	Gen int64          `json:"gen"` // its generation, from 2
}

// Check checks the form of the claims. Error: chat.BadProof.
func (c *RotateClaims) Check() error {
	if c.SID == "" || len(c.Enc) == 0 || c.Gen < 2 {
		return chat.BadProof
	}
	return nil
}

// LinkClaims are the claims of a `sotto-link+jwt`, by which a device links
// another device of its user (protocol §4).
type LinkClaims struct {
	Sub chat.User   `json:"sub"`
	Aud string      `json:"aud"`
	Dev chat.Device `json:"dev"` // the device to link
	Exp int64       `json:"exp"` // Unix seconds
}

// RevokeClaims are the claims of a `sotto-revoke+jwt` (protocol §4).
type RevokeClaims struct {
	SID chat.Session `json:"sid"`
	Dev chat.Device  `json:"dev"` // the device to revoke
}

// Check checks the form of the claims. Error: chat.BadProof.
func (c *RevokeClaims) Check() error {
	if c.SID == "" || !chat.IsThumbprint(c.Dev) {
		return chat.BadProof
	}
	return nil
}

// KeySetClaims are the claims of a `sotto-keys+jwt`, which the service key
// signs (protocol §3).
type KeySetClaims struct {
	V    int              `json:"v"`
	Aud  string           `json:"aud"`
	Gen  int64            `json:"gen"`
	Exp  int64            `json:"exp"`  // Unix seconds
	Keys []jsontext.Value `json:"keys"` // newest first
	// Session is the key to which the secret of a session is sealed, a
	// canonical RSA JWK.
	Session jsontext.Value `json:"session"`
}

// IsNonce reports whether s has the form of a challenge's nonce: 256 bits.
func IsNonce(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}
