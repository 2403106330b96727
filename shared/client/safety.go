package client

import (
	"errors"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
)

// ErrNeverSeen says that there is nothing yet to compare with a user.
var ErrNeverSeen = errors.New("no message of that user has come here yet, so there is no key to compare")

// Safety is what two users compare to know that they have each other's keys.
type Safety struct {
	envelope.Safety
	// Own and Theirs are the devices that went into it. If the numbers differ,
	// these say why: show them.
	Own, Theirs []chat.Device
}

// Safety derives the safety number with another user from the devices known of
// both (protocol §12). It takes some tens of milliseconds. Errors:
// ErrNeverSeen, envelope.ErrSafety for the own user.
func (c *Client) Safety(user chat.User) (Safety, error) {
	own, err := c.device.Known(c.User())
	if err != nil {
		return Safety{}, err
	}
	theirs, err := c.device.Known(user)
	if err != nil {
		return Safety{}, err
	}
	if len(theirs) == 0 {
		return Safety{}, ErrNeverSeen
	}
	number, err := envelope.SafetyNumber(party(c.User(), own), party(user, theirs))
	return Safety{Safety: number, Own: own, Theirs: theirs}, err
}

func party(user chat.User, devices []chat.Device) envelope.Party {
	p := envelope.Party{User: string(user)}
	for _, d := range devices {
		p.Devices = append(p.Devices, string(d))
	}
	return p
}
