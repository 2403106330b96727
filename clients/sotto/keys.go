package main

import (
	"fmt"
)

func keysCommand() *command {
	return &command{
		name:  "keys",
		usage: []string{"--user NAME", "service", "rotate --user NAME"},
		short: "show keys, or rotate your own",
		words: []string{"service", "rotate"},
		help: `
Without an operand it prints the thumbprints of your device's keys, for others to
compare. "keys service" prints the thumbprint of the service key that the profile
pinned at first use. "keys rotate" replaces your device's encryption key; running
programs can still read what was sealed to the old one. Private keys are never
printed.

Examples:
  sotto keys --user ada
  sotto keys service --url wss://HOST/STAGE
  sotto keys rotate --user ada`,
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
	deployment, err := in.deployment()
	if err != nil {
		return err
	}
	owner := deployment.User(user)
	has, err := owner.HasDevice()
	if err != nil {
		return err
	}
	if !has {
		return fmt.Errorf("%s has no device for %s in this profile; connect once: sotto rooms --user %s",
			user, deployment.Address(), user)
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
