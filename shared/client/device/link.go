package device

import (
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// linkLifetime is a minute less than the service accepts, for clocks that are
// ahead of the service's.
const linkLifetime = chat.LinkLifetime - time.Minute

// Link links another device of the user: it returns the token for that device's
// first handshake and the time at which it expires. Only that device can use
// the token, so it is not secret. The other device counts as known from now on.
func (d *Device) Link(other chat.Device, audience string) (token string, expires time.Time, err error) {
	expires = time.Now().Add(linkLifetime).Truncate(time.Second)
	token, err = d.sign(envelope.TypeLink, frame.LinkClaims{
		Sub: d.User(),
		Aud: audience,
		Dev: other,
		Exp: expires.Unix(),
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign the link: %w", err)
	}
	_, err = d.pin(d.User(), other)
	return token, expires, err
}

// Linked records that the service accepted this device by a link. The device
// that signed the link belongs to the same user, so it counts as known.
func (d *Device) Linked(link string) error {
	token, err := envelope.ParseSigned(link, envelope.TypeLink)
	if err != nil {
		return fmt.Errorf("read the link: %w", err)
	}
	_, err = d.pin(d.User(), chat.Device(token.KID))
	return err
}

// ProveRevocation returns the `proof` of a revokeDevice frame for one session.
func (d *Device) ProveRevocation(sid chat.Session, other chat.Device) (string, error) {
	return d.sign(envelope.TypeRevoke, frame.RevokeClaims{SID: sid, Dev: other})
}
