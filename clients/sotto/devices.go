package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

func devicesCommand() *command {
	return &command{
		name: "devices",
		usage: []string{"--user NAME [--json]", "link THUMBPRINT --user NAME", "accept TOKEN --user NAME",
			"revoke THUMBPRINT --user NAME"},
		short: "list, link and revoke your devices",
		words: []string{"link", "accept", "revoke"},
		help: `
Lists your devices. A profile on another machine is another device. Link it from a
device that you have:

  new   sotto chat --user ada                      fails and prints its THUMBPRINT
  old   sotto devices link THUMBPRINT --user ada   prints a TOKEN, valid for 9 minutes
  new   sotto devices accept TOKEN --user ada      makes it one of your devices

Only that device can use the token. "devices revoke" revokes another device
permanently and ends its connections; run it when a device is lost. With --json the
list has one object per line: device, addedAt and lastSeenAt (Unix milliseconds),
revoked, and current, which is true for the device that you are using.

Examples:
  sotto devices --user ada
  sotto devices revoke THUMBPRINT --user ada`,
		flags: withJSON,
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return in.listDevices()
			}
			do := map[string]struct {
				operand string
				run     func(string) error
			}{
				"link": {"THUMBPRINT", in.link}, "accept": {"TOKEN", in.accept}, "revoke": {"THUMBPRINT", in.revoke},
			}[operands[0]]
			switch {
			case do.run == nil:
				return usagef("unknown operand %q; run: sotto devices --help", operands[0])
			case len(operands) == 1:
				return usagef("no %s; add it", do.operand)
			case len(operands) > 2:
				return none(operands[2:])
			case do.operand == "THUMBPRINT" && !chat.IsThumbprint(operands[1]):
				return usagef("%q is not a thumbprint; a thumbprint has 43 characters of A-Z, a-z, 0-9, - and _",
					operands[1])
			}
			return do.run(operands[1])
		},
	}
}

// listDevices prints the user's devices.
func (in *commandLine) listDevices() error {
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	devices, err := c.Devices(in.ctx)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if !in.asJSON {
			in.line(deviceLine(d))
			continue
		}
		if err := in.json(frame.DeviceState{
			Device:     d.ID,
			AddedAt:    d.AddedAt.UnixMilli(),
			LastSeenAt: d.LastSeenAt.UnixMilli(),
			Revoked:    d.Revoked,
			Current:    d.Current,
		}); err != nil {
			return err
		}
	}
	return in.failed()
}

// deviceLine formats a device for people.
func deviceLine(d client.DeviceInfo) string {
	mark := ""
	switch {
	case d.Revoked:
		mark = "  revoked"
	case d.Current:
		mark = "  this device"
	}
	const minutes = "2006-01-02 15:04"
	return fmt.Sprintf("%s  added %s  last seen %s%s", d.ID, d.AddedAt.Local().Format(minutes),
		d.LastSeenAt.Local().Format(minutes), mark)
}

// link prints the link token for a new device of the user.
func (in *commandLine) link(thumbprint string) error {
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	token, expires, err := c.Link(in.ctx, chat.Device(thumbprint))
	if errors.Is(err, client.ErrOwnDevice) {
		return fmt.Errorf("%w; use the thumbprint of the new device, which it prints when it is refused", err)
	}
	if err != nil {
		return err
	}
	in.line(token)
	in.notice("valid until %s; run on the new device: sotto devices accept TOKEN --user %s",
		expires.Local().Format(time.TimeOnly), c.User())
	return in.failed()
}

// accept connects a new device with its link token.
func (in *commandLine) accept(token string) error {
	in.token = strings.TrimSpace(token)
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	in.notice("this device now belongs to %s", c.User())
	return nil
}

// revoke revokes another device of the user.
func (in *commandLine) revoke(thumbprint string) error {
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Revoke(in.ctx, chat.Device(thumbprint))
	switch {
	case errors.Is(err, client.ErrOwnDevice):
		return fmt.Errorf("%w; revoke it from another device", err)
	case errors.Is(err, chat.DeviceUnknown):
		return fmt.Errorf("%s is not a device of %s; run: sotto devices --user %s", thumbprint, c.User(), c.User())
	}
	return err
}

// explainRefusal returns the error to report for a refused connection. If a
// link would help, it prints the refusal and how to link, and returns
// errReported.
func (in *commandLine) explainRefusal(refusal error, store *profile.Store, user chat.User) error {
	switch {
	case errors.Is(refusal, chat.NameTaken):
	case errors.Is(refusal, chat.DeviceUnknown) && in.token != "":
		refusal = errors.New("the link token is not valid: it has expired, or is for another device, user or service; make a new one")
	default:
		return refusal
	}
	address, err := device.Address(in.url)
	if err != nil {
		return refusal
	}
	deployment, err := store.Deployment(address)
	if err != nil {
		return refusal
	}
	if keys, err := deployment.User(user).Device(); err == nil {
		in.notice("%s", describe(refusal))
		in.notice("if you are %s, link this device; run on a device that you have: sotto devices link %s --user %s",
			user, keys.ID(), user)
		return errReported
	}
	return refusal
}
