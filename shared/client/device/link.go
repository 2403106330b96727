package device

import (
	"fmt"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// linkLifetime stays below what the service takes by a minute, for clocks that
// are ahead of the service's.
const linkLifetime = chat.LinkLifetime - time.Minute

// Link vouches for another device of the user: it returns the token that the
// other brings to its first handshake, and until when it is good. It is of use
// to that device alone and so no secret. From now on the other is a known one.
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
	_, err = d.learn(d.User(), other)
	return token, expires, err
}

// Linked notes that the service took this device by a link: the one that signed
// it is a device of the same user, whom the user has just looked at.
func (d *Device) Linked(link string) error {
	token, err := envelope.ParseSigned(link, envelope.TypeLink)
	if err != nil {
		return fmt.Errorf("read the link: %w", err)
	}
	_, err = d.learn(d.User(), chat.Device(token.KID))
	return err
}

// ProveRevocation makes the `proof` of a revokeDevice frame for one session.
func (d *Device) ProveRevocation(sid chat.Session, other chat.Device) (string, error) {
	return d.sign(envelope.TypeRevoke, frame.RevokeClaims{SID: sid, Dev: other})
}
