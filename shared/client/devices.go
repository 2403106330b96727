package client

import (
	"context"
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Errors of Link and Revoke for a device that cannot be linked or revoked.
var (
	ErrThumbprint = errors.New("a device's thumbprint has 43 characters of A-Z, a-z, 0-9, - and _")
	ErrOwnDevice  = errors.New("this is the device that you are using")
)

// DeviceInfo is one of the user's own devices.
type DeviceInfo struct {
	ID         chat.Device
	AddedAt    time.Time
	LastSeenAt time.Time
	Revoked    bool
	Current    bool // the device of this client
}

// Devices lists the user's own devices: those in use before the revoked ones,
// and the newest first in each group.
func (c *Client) Devices(ctx context.Context) ([]DeviceInfo, error) {
	var f frame.Devices
	if _, err := c.call(ctx, frame.TypeDevices, &f, func(*session) (frame.Request, error) {
		return frame.Request{Action: frame.ActionDevices}, nil
	}); err != nil {
		return nil, err
	}
	devices := make([]DeviceInfo, 0, len(f.Devices))
	for _, d := range f.Devices {
		devices = append(devices, DeviceInfo{
			ID:         d.Device,
			AddedAt:    time.UnixMilli(d.AddedAt),
			LastSeenAt: time.UnixMilli(d.LastSeenAt),
			Revoked:    d.Revoked,
			Current:    d.Current,
		})
	}
	return devices, nil
}

// Link signs a link token for a new device of the user, named by its
// thumbprint. Pass the token to that device, as Options.Link of its first
// connection; it is valid until expires. Errors: ErrThumbprint, ErrOwnDevice.
func (c *Client) Link(ctx context.Context, other chat.Device) (token string, expires time.Time, err error) {
	if err := c.checkOther(other); err != nil {
		return "", time.Time{}, err
	}
	ctx, cancel := c.during(ctx)
	defer cancel()
	s, err := c.session(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	return c.device.Link(other, s.keySet().Audience)
}

// Revoke revokes another device of the user permanently. When it returns,
// nothing is sealed to that device any more, its connections are closed, and it
// can neither connect nor be linked again. Revoking it again has no effect.
// Errors: ErrThumbprint; ErrOwnDevice, because one device must remain;
// chat.DeviceUnknown if the user has no such device.
func (c *Client) Revoke(ctx context.Context, other chat.Device) error {
	if err := c.checkOther(other); err != nil {
		return err
	}
	var f frame.Revoked
	_, err := c.call(ctx, frame.TypeRevoked, &f, func(s *session) (frame.Request, error) {
		proof, err := c.device.ProveRevocation(s.sid, other)
		return frame.Request{Action: frame.ActionRevokeDevice, Proof: proof}, err
	})
	if err != nil {
		return err
	}
	if f.Device != other {
		return wrap("revoke the device", device.ErrProtocol)
	}
	return nil
}

func (c *Client) checkOther(other chat.Device) error {
	if !chat.IsThumbprint(string(other)) {
		return ErrThumbprint
	}
	if other == c.device.ID() {
		return ErrOwnDevice
	}
	return nil
}
