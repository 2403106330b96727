package clienttest

import (
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

type device struct {
	id      chat.Device
	key     envelope.VerifyKey
	gen     int64
	enc     *envelope.EncryptionKey
	added   int64
	revoked bool
}

// find returns a user's device, or nil.
func (s *Service) find(user chat.User, id chat.Device) *device {
	for _, d := range s.devices[user] {
		if d.id == id {
			return d
		}
	}
	return nil
}

// admit returns an error unless a device that the service does not know may use
// the name.
func (s *Service) admit(user chat.User, d *device, link string) error {
	switch {
	case link == "" && len(s.devices[user]) == 0:
		return nil
	case link == "":
		return chat.NameTaken
	}
	token, err := envelope.ParseSigned(link, envelope.TypeLink)
	if err != nil {
		return chat.DeviceUnknown
	}
	by := s.find(user, chat.Device(token.KID))
	var claims frame.LinkClaims
	if by == nil || by.revoked || verify(link, envelope.TypeLink, by.key, &claims) != nil {
		return chat.DeviceUnknown
	}
	now := time.Now()
	if claims.Sub != user || claims.Aud != audience || claims.Dev != d.id ||
		claims.Exp <= now.Unix() || claims.Exp > now.Add(chat.LinkLifetime).Unix() {
		return chat.DeviceUnknown
	}
	return nil
}

// list answers a devices request, the oldest device first.
func (s *Service) list(c *conn, r *frame.Request) {
	f := frame.Devices{Type: frame.TypeDevices, Ref: r.Ref}
	for _, d := range s.devices[c.user] {
		f.Devices = append(f.Devices, frame.DeviceState{
			Device:     d.id,
			AddedAt:    d.added,
			LastSeenAt: time.Now().UnixMilli(),
			Revoked:    d.revoked,
			Current:    d == c.device,
		})
	}
	s.post(c, frame.TypeDevices, f)
}

func (s *Service) revoke(c *conn, r *frame.Request) error {
	var claims frame.RevokeClaims
	if err := verify(r.Proof, envelope.TypeRevoke, c.device.key, &claims); err != nil || claims.Check() != nil {
		return chat.BadProof
	}
	if claims.SID != c.sid {
		return chat.SessionMismatch
	}
	revoked := s.find(c.user, claims.Dev)
	switch revoked {
	case nil:
		return chat.DeviceUnknown
	case c.device:
		return chat.BadProof
	}
	revoked.revoked = true
	for other := range s.conns {
		if other.device == revoked {
			_ = other.ws.CloseNow()
		}
	}
	s.post(c, frame.TypeRevoked, frame.Revoked{Type: frame.TypeRevoked, Ref: r.Ref, Device: revoked.id})
	return nil
}
