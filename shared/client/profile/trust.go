package profile

import (
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Trust is what a client has pinned about a deployment at its first use
// (protocol §3), as SSH does for hosts. The zero value means not used yet.
type Trust struct {
	Audience   string `json:"aud"`
	ServiceKey string `json:"serviceKey"` // thumbprint
	Gen        int64  `json:"gen"`        // of the newest key set seen
}

type trustRecord struct {
	Version int    `json:"version"`
	Address string `json:"address"`
	Trust
}

func (d *Deployment) trustFile() string { return d.dir + "/service.json" }

// Trust reads what is pinned, or the zero value.
func (d *Deployment) Trust() (Trust, error) {
	r, _, err := load[trustRecord](d.backend, d.trustFile())
	return r.Trust, err
}

// UpdateTrust replaces the pinned values by the result of f. If f returns an
// error, it returns that and changes nothing. f may be called twice: the second
// time under the lock, with what another process may have written.
func (d *Deployment) UpdateTrust(f func(Trust) (Trust, error)) error {
	old, err := d.Trust()
	if err != nil {
		return err
	}
	if t, err := f(old); err != nil || t == old {
		return err
	}
	unlock, err := d.backend.lock(d.lock())
	if err != nil {
		return err
	}
	defer unlock()
	if old, err = d.Trust(); err != nil {
		return err
	}
	t, err := f(old)
	if err != nil || t == old {
		return err
	}
	return save(d.backend, d.trustFile(), trustRecord{Version: version, Address: d.address, Trust: t})
}

// Forget deletes all that the profile has of the deployment: the pinned values,
// and the keys and known devices of every user. Names whose keys are nowhere
// else are lost.
func (d *Deployment) Forget() error {
	unlock, err := d.backend.lock(d.lock())
	if err != nil {
		return err
	}
	defer unlock()
	return d.backend.remove(d.dir, d.lock())
}

// Known holds the known devices of each user.
type Known map[chat.User][]chat.Device

type knownRecord struct {
	Version int   `json:"version"`
	Known   Known `json:"devices"`
}

func (u *User) knownFile() string { return u.dir + "/known.json" }

// Known reads the devices that this user knows.
func (u *User) Known() (Known, error) {
	r, _, err := load[knownRecord](u.deployment.backend, u.knownFile())
	if err == nil && r.Known == nil {
		r.Known = Known{}
	}
	return r.Known, err
}

// Pin adds a device to the known devices of a user and returns all known
// devices. fresh reports whether the device is new and the user had other known
// devices.
func (u *User) Pin(user chat.User, device chat.Device) (known Known, fresh bool, err error) {
	unlock, err := u.deployment.backend.lock(u.lock())
	if err != nil {
		return nil, false, err
	}
	defer unlock()
	if known, err = u.Known(); err != nil || slices.Contains(known[user], device) {
		return known, false, err
	}
	fresh = len(known[user]) > 0
	known[user] = append(known[user], device)
	return known, fresh, save(u.deployment.backend, u.knownFile(), knownRecord{Version: version, Known: known})
}
