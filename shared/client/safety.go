package client

import (
	"errors"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
)

// ErrNeverSeen means that no device of a user is known yet.
var ErrNeverSeen = errors.New("this device has not received a message of that user yet, so there is no key to compare")

// Safety is the number that two users compare to verify each other's keys.
type Safety struct {
	envelope.Safety
	// Own and Theirs are the devices that the number is computed from. Show
	// them: they explain why two numbers differ.
	Own, Theirs []chat.Device
}

// Safety computes the safety number with another user from the known devices of
// both (protocol §12). It takes some tens of milliseconds. Errors:
// ErrNeverSeen; envelope.ErrSafety for the client's own user.
func (c *Client) Safety(user chat.User) (Safety, error) { return SafetyOf(c.device, user) }

// SafetyOf is [Client.Safety] for a device of the profile, without a
// connection.
func SafetyOf(d *device.Device, user chat.User) (Safety, error) {
	own, err := d.Known(d.User())
	if err != nil {
		return Safety{}, err
	}
	theirs, err := d.Known(user)
	if err != nil {
		return Safety{}, err
	}
	if len(theirs) == 0 {
		return Safety{}, ErrNeverSeen
	}
	number, err := envelope.SafetyNumber(party(d.User(), own), party(user, theirs))
	return Safety{Safety: number, Own: own, Theirs: theirs}, err
}

func party(user chat.User, devices []chat.Device) envelope.Party {
	p := envelope.Party{User: string(user)}
	for _, d := range devices {
		p.Devices = append(p.Devices, string(d))
	}
	return p
}
