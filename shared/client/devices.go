package client

import (
	"context"
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/frame"
)

// What can be wrong with the device that Link and Revoke are asked for.
var (
	ErrThumbprint = errors.New("a device's thumbprint has 43 characters of A-Z, a-z, 0-9, - and _")
	ErrOwnDevice  = errors.New("that is this device itself")
)

// DeviceInfo is one of the user's own devices.
type DeviceInfo struct {
	ID         chat.Device
	AddedAt    time.Time
	LastSeenAt time.Time
	Revoked    bool
	Current    bool // this client's
}

// Devices lists the user's own devices: those in use first, the newest first
// among each.
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

// Link vouches for a new device of the user, named by its thumbprint. The token
// goes to that device, into Options.Link of its first connection, and holds
// until expires. Errors: ErrThumbprint, ErrOwnDevice.
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

// Revoke bars another device of the user for ever. When it returns, nothing is
// sealed to that device any more, its connections are closed, and it can
// neither come back nor be linked again. Revoking again does no harm. Errors:
// ErrThumbprint; ErrOwnDevice, since one device must remain; chat.DeviceUnknown
// for one that is none of the user's.
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
