package main

import (
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
)

func verifyCommand() *command {
	var text string
	return &command{
		name:  "verify",
		usage: []string{"USER --user NAME [--text TEXT]"},
		short: "compare your keys with another user's",
		help: `
Prints the safety number with another user, and the text of its QR code. If both of
you have the same number, each has the other's true keys. Compare them in a call or
in person. With --text it compares the text of the other user's code instead, and
fails if the numbers are different. It uses what your profile knows and does not
connect; a user is known once you have received a message.

Examples:
  sotto verify bob --user ada
  sotto verify bob --user ada --text 'sotto:safety?a=ada&b=bob&hash=HASH'`,
		flags: func(in *commandLine) {
			in.flags.StringVar(&text, "text", "", "compare with this `TEXT` of a QR code")
		},
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return usagef("no user; add the name of the user to compare with")
			}
			if err := none(operands[1:]); err != nil {
				return err
			}
			return in.verify(operands[0], text)
		},
	}
}

// verify prints the safety number with a user, or compares it with the text of
// a QR code.
func (in *commandLine) verify(name, text string) error {
	user, err := in.userName()
	if err != nil {
		return err
	}
	other, err := chat.ParseUser(terminal.NameFrom(name))
	if err != nil {
		return usagef("%q is not a valid user name", name)
	}
	if other == user {
		return usagef("a safety number compares you with another user")
	}
	owner, err := in.owner(user)
	if err != nil {
		return err
	}
	d, err := device.Load(owner)
	if err != nil {
		return err
	}
	safety, err := client.SafetyOf(d, other)
	if errors.Is(err, client.ErrNeverSeen) {
		return fmt.Errorf("%w; after a message of %s, run: sotto listen --user %s --since 0", err, other, user)
	}
	if err != nil {
		return err
	}
	if text == "" {
		in.line(safety.String())
		in.line(safety.Text())
		return in.failed()
	}
	verdict := terminal.Verdict(safety, other, user, text)
	switch err := safety.Compare(text); {
	case err == nil:
		in.line(verdict)
		return in.failed()
	case errors.Is(err, envelope.ErrSafetyText):
		return usagef("%s, and has to be in quotes", verdict)
	}
	return errors.New(verdict)
}
