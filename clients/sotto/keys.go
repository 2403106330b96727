package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

func keysCommand() *command {
	var yes bool
	return &command{
		name:  "keys",
		usage: []string{"--user NAME", "service", "rotate --user NAME", "accept-older", "forget [--yes]"},
		short: "show keys, rotate your own, or forget those of a service",
		words: []string{"service", "rotate", "accept-older", "forget"},
		help: `
Without an operand it prints the thumbprints of your device's keys, for others to
compare. "keys service" prints the thumbprint of the service key that the profile
pinned at first use. "keys rotate" replaces your device's encryption key; running
programs can still read what was sealed to the old one. Private keys are never
printed.

If another service answers at the address than before, sotto refuses it, because it
could read your messages. If you know that the service was set up again (for example
after make clean), "keys forget" deletes what the profile has of the old one: the
pinned service key, and the keys of all your users there. If you know that the
service was restored from a backup, "keys accept-older" accepts its older keys; all
your keys stay.

Examples:
  sotto keys --user ada
  sotto keys service --url wss://HOST/STAGE
  sotto keys rotate --user ada
  sotto keys forget --url wss://HOST/STAGE --yes`,
		flags: func(in *commandLine) {
			in.flags.BoolVar(&yes, "yes", false, "with forget: delete the keys")
		},
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return in.ownKeys()
			}
			if err := none(operands[1:]); err != nil {
				return err
			}
			switch operands[0] {
			case "service":
				return in.serviceKey()
			case "rotate":
				return in.rotate()
			case "accept-older":
				return in.acceptOlder()
			case "forget":
				return in.forget(yes)
			}
			return usagef("unknown operand %q; run: sotto keys --help", operands[0])
		},
	}
}

// ownKeys prints the thumbprints of the device's keys.
func (in *commandLine) ownKeys() error {
	user, err := in.userName()
	if err != nil {
		return err
	}
	owner, err := in.owner(user)
	if err != nil {
		return err
	}
	d, err := owner.Device()
	if err != nil {
		return err
	}
	in.line(fmt.Sprintf("device      %s", d.ID()))
	in.line(fmt.Sprintf("encryption  %s", d.Current.Private.Thumbprint()))
	in.line(fmt.Sprintf("generation  %d", d.Current.Gen))
	return in.failed()
}

// owner returns the part of the profile for a user who has connected before.
func (in *commandLine) owner(user chat.User) (*profile.User, error) {
	deployment, err := in.deployment()
	if err != nil {
		return nil, err
	}
	owner := deployment.User(user)
	has, err := owner.HasDevice()
	if err != nil {
		return nil, err
	}
	if !has {
		return nil, fmt.Errorf("%s has no device for %s in this profile; connect once: sotto rooms --user %s",
			user, deployment.Address(), user)
	}
	return owner, nil
}

// serviceKey prints the pinned service key's thumbprint.
func (in *commandLine) serviceKey() error {
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	trust, err := deployment.Trust()
	if err != nil {
		return err
	}
	if trust.ServiceKey == "" {
		return fmt.Errorf("no service key is pinned for %s in this profile; connect once: sotto rooms --user NAME",
			deployment.Address())
	}
	in.line(trust.ServiceKey)
	return in.failed()
}

// rotate replaces the device's encryption key and prints the new generation.
func (in *commandLine) rotate() error {
	c, err := in.connect(in.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	gen, err := c.Rotate(in.ctx)
	if err != nil {
		return err
	}
	in.line(fmt.Sprintf("generation  %d", gen))
	return in.failed()
}

// acceptOlder accepts key sets of the pinned service key that are older than
// those seen before.
func (in *commandLine) acceptOlder() error {
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	if err := deployment.UpdateTrust(func(t profile.Trust) (profile.Trust, error) {
		t.Gen = 0
		return t, nil
	}); err != nil {
		return err
	}
	in.notice("older keys of %s are accepted", deployment.Address())
	return nil
}

// forget deletes what the profile has of the service at --url.
func (in *commandLine) forget(yes bool) error {
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	trust, err := deployment.Trust()
	if err != nil {
		return err
	}
	users := knownUsers(deployment)
	if trust == (profile.Trust{}) && len(users) == 0 {
		return fmt.Errorf("nothing is known of %s in this profile; check --url and --profile", deployment.Address())
	}
	whose := ""
	if len(users) > 0 {
		whose = " and the keys of " + strings.Join(users, ", ")
	}
	if !yes {
		return usagef("this deletes the pinned key of %s%s; a name is lost unless another device of the user is linked; to do it, add --yes",
			deployment.Address(), whose)
	}
	if err := deployment.Forget(); err != nil {
		return err
	}
	in.notice("deleted the pinned key of %s%s", deployment.Address(), whose)
	return nil
}

// explainKeySet adds what to do about a key set that needs the user's decision.
func (in *commandLine) explainKeySet(err error) error {
	switch {
	case errors.Is(err, device.ErrSigner):
		return fmt.Errorf("%w; if you know that the service was set up again, forget the old one: sotto keys forget%s; otherwise someone may intercept your messages", err, in.place())
	case errors.Is(err, device.ErrOlder):
		return fmt.Errorf("%w; if you know that the service was restored from a backup, run: sotto keys accept-older%s", err, in.place())
	}
	return err
}

// plain matches what needs no quotes in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./\\-]+$`)

// place returns the flags that name the service and the profile, if they are
// not the defaults.
func (in *commandLine) place() string {
	flags := ""
	for _, name := range []string{"url", "profile"} {
		f := in.flags.Lookup(name)
		value := f.Value.String()
		if value == f.DefValue {
			continue
		}
		if !plain.MatchString(value) {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		flags += " --" + name + " " + value
	}
	if in.insecure {
		flags += " --insecure"
	}
	return flags
}
