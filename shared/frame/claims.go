package frame

import (
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
)

// HandshakeClaims stand in a `sotto-handshake+jwt` (protocol §4).
type HandshakeClaims struct {
	V     int            `json:"v"`
	Sub   string         `json:"sub"`
	Aud   string         `json:"aud"`
	Nonce string         `json:"nonce"`
	SKID  string         `json:"skid"` // thumbprint of a server key still accepted
	Enc   jsontext.Value `json:"enc"`  // the device's encryption key, a canonical RSA JWK
	Gen   int64          `json:"gen"`  // its generation, from 1
	Link  string         `json:"link,omitzero"`
}

// Check checks the form of the claims. Errors: chat.BadProof, chat.NameInvalid.
func (c *HandshakeClaims) Check() error {
	if c.V != Version || c.Aud == "" || c.Nonce == "" || !chat.IsThumbprint(c.SKID) || len(c.Enc) == 0 || c.Gen < 1 {
		return chat.BadProof
	}
	_, err := chat.ParseUser(c.Sub)
	return err
}

// MessageClaims stand in a `sotto-message+jwt` (protocol §5). Session, sender,
// server key, room and id stand inside the signature because an envelope says
// nothing about its maker.
type MessageClaims struct {
	V    int    `json:"v"`
	SID  string `json:"sid"`
	Sub  string `json:"sub"`
	SKID string `json:"skid"`
	Room string `json:"room"`
	ID   string `json:"id"`
	Body string `json:"body"`
}

// Check checks the form of the claims. Errors: chat.BadEnvelope,
// chat.RoomInvalid, chat.BodyTooLarge.
func (c *MessageClaims) Check() error {
	if c.V != Version || c.SID == "" || c.Sub == "" || !chat.IsThumbprint(c.SKID) {
		return chat.BadEnvelope
	}
	if _, err := chat.ParseMessageID(c.ID); err != nil {
		return err
	}
	if _, err := chat.ParseRoom(c.Room); err != nil {
		return err
	}
	if len(c.Body) > chat.MaxBody {
		return chat.BodyTooLarge
	}
	return nil
}

// RotateClaims stand in a `sotto-rotate+jwt` (protocol §7).
type RotateClaims struct {
	SID string         `json:"sid"`
	Enc jsontext.Value `json:"enc"`
	Gen int64          `json:"gen"`
}

// Check checks the form of the claims. Error: chat.BadProof.
func (c *RotateClaims) Check() error {
	if c.SID == "" || len(c.Enc) == 0 || c.Gen < 2 {
		return chat.BadProof
	}
	return nil
}

// LinkClaims stand in a `sotto-link+jwt`, by which a device vouches for another
// of its user (protocol §4).
type LinkClaims struct {
	Sub string `json:"sub"`
	Aud string `json:"aud"`
	Dev string `json:"dev"` // thumbprint of the device to be linked
	Exp int64  `json:"exp"` // Unix seconds
}

// RevokeClaims stand in a `sotto-revoke+jwt` (protocol §4).
type RevokeClaims struct {
	SID string `json:"sid"`
	Dev string `json:"dev"` // thumbprint of the device to be barred
}

// Check checks the form of the claims. Error: chat.BadProof.
func (c *RevokeClaims) Check() error {
	if c.SID == "" || !chat.IsThumbprint(c.Dev) {
		return chat.BadProof
	}
	return nil
}

// KeySetClaims stand in a `sotto-keys+jwt`, signed by the service key
// (protocol §3).
type KeySetClaims struct {
	Aud  string           `json:"aud"`
	Gen  int64            `json:"gen"`
	Exp  int64            `json:"exp"`  // Unix seconds
	Keys []jsontext.Value `json:"keys"` // newest first
}

// IsNonce says whether s has the form of a challenge's nonce: 256 bits.
func IsNonce(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}
