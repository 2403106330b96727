package profile

import (
	"errors"
	"fmt"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
)

// Key is one generation of a device's encryption key.
type Key struct {
	Gen     int64 // from 1
	Private *envelope.DecryptionKey
}

// Device holds the keys of a user's device at the time when they were read.
type Device struct {
	Signing *envelope.SigningKey
	// Current is the newest key that the service has confirmed, or the first
	// key.
	Current Key
	// Next is a key that is stored but not confirmed yet. The service may know
	// it, if its answer was lost.
	Next *Key
	// Previous opens messages that were sealed before the last rotation and
	// arrive after it. One generation is enough: the client asks again for a
	// message that it cannot open, and gets it sealed to the newest key.
	Previous *Key
}

// ID returns the device's id, the thumbprint of its signing key.
func (d Device) ID() chat.Device { return chat.Device(d.Signing.Thumbprint()) }

// Newest returns the key to offer in a handshake: Next, or Current if there is
// none. That completes an interrupted rotation, whether or not the service has
// received the key.
func (d Device) Newest() Key {
	if d.Next != nil {
		return *d.Next
	}
	return d.Current
}

// Find returns the private key with this thumbprint, or nil.
func (d Device) Find(kid string) *envelope.DecryptionKey {
	for _, k := range []*Key{&d.Current, d.Next, d.Previous} {
		if k != nil && k.Private.Thumbprint() == kid {
			return k.Private
		}
	}
	return nil
}

type keyRecord struct {
	Gen   int64  `json:"gen"`
	PKCS8 []byte `json:"pkcs8"`
}

type deviceRecord struct {
	Version  int        `json:"version"`
	Address  string     `json:"address"`
	User     chat.User  `json:"user"`
	Seed     []byte     `json:"seed"`
	Current  keyRecord  `json:"current"`
	Next     *keyRecord `json:"next,omitzero"`
	Previous *keyRecord `json:"previous,omitzero"`
}

// deviceFile is the name of the file with a device's keys.
const deviceFile = "device.json"

func (u *User) file() string { return u.dir + "/" + deviceFile }

// lock returns the name of the user's lock file. Each user has one, because
// generating keys takes a while.
func (u *User) lock() string { return u.dir + "/lock" }

// Device reads the user's device. If there is none, it creates one with new
// keys; concurrent calls get the same device.
func (u *User) Device() (Device, error) {
	if d, ok, err := u.readDevice(); err != nil || ok {
		return d, err
	}
	return u.change(func(d Device) (Device, error) { return d, nil })
}

// HasDevice reports whether the user has a device. It does not create one.
func (u *User) HasDevice() (bool, error) {
	_, ok, err := u.readDevice()
	return ok, err
}

// PrepareKey stores the next encryption key, unless there is one. The key is on
// disk when PrepareKey returns, so it may be offered to the service.
func (u *User) PrepareKey() (Device, error) {
	return u.change(func(d Device) (Device, error) {
		if d.Next != nil {
			return d, nil
		}
		private, err := envelope.GenerateDecryptionKey(envelope.DefaultBits)
		if err != nil {
			return d, err
		}
		d.Next = &Key{Gen: d.Current.Gen + 1, Private: private}
		return d, nil
	})
}

// ConfirmKey records that the service has accepted the key of generation gen.
// It has no effect unless that key is Next.
func (u *User) ConfirmKey(gen int64) (Device, error) {
	return u.change(func(d Device) (Device, error) {
		if d.Next == nil || d.Next.Gen != gen {
			return d, nil
		}
		previous := d.Current
		d.Previous, d.Current, d.Next = &previous, *d.Next, nil
		return d, nil
	})
}

// change creates the device if necessary, applies f and saves the result, all
// under the lock.
func (u *User) change(f func(Device) (Device, error)) (Device, error) {
	b := u.deployment.backend
	unlock, err := b.lock(u.lock())
	if err != nil {
		return Device{}, err
	}
	defer unlock()
	old, exists, err := u.readDevice()
	if err != nil {
		return Device{}, err
	}
	if !exists {
		if old, err = newDevice(); err != nil {
			return Device{}, err
		}
	}
	d, err := f(old)
	if err != nil || exists && d == old {
		return d, err
	}
	r, err := u.record(d)
	if err != nil {
		return Device{}, err
	}
	return d, save(b, u.file(), r)
}

func newDevice() (Device, error) {
	signing, err := envelope.GenerateSigningKey()
	if err != nil {
		return Device{}, err
	}
	private, err := envelope.GenerateDecryptionKey(envelope.DefaultBits)
	if err != nil {
		return Device{}, err
	}
	return Device{Signing: signing, Current: Key{Gen: 1, Private: private}}, nil
}

func (u *User) record(d Device) (r deviceRecord, err error) {
	r = deviceRecord{Version: version, Address: u.deployment.address, User: u.name, Seed: d.Signing.Seed()}
	current, err := marshalKey(&d.Current)
	if err != nil {
		return r, err
	}
	r.Current = *current
	if r.Next, err = marshalKey(d.Next); err != nil {
		return r, err
	}
	r.Previous, err = marshalKey(d.Previous)
	return r, err
}

func marshalKey(k *Key) (*keyRecord, error) {
	if k == nil {
		return nil, nil
	}
	der, err := k.Private.MarshalPKCS8()
	if err != nil {
		return nil, err
	}
	return &keyRecord{Gen: k.Gen, PKCS8: der}, nil
}

func (u *User) readDevice() (Device, bool, error) {
	b := u.deployment.backend
	r, ok, err := load[deviceRecord](b, u.file())
	if err != nil || !ok {
		return Device{}, false, err
	}
	d, err := u.parse(r)
	if err != nil {
		return Device{}, false, corrupt(b, u.file(), err)
	}
	return d, true, nil
}

func (u *User) parse(r deviceRecord) (d Device, err error) {
	if r.User != u.name || r.Address != u.deployment.address {
		return d, fmt.Errorf("it belongs to %q at %q", r.User, r.Address)
	}
	if d.Signing, err = envelope.SigningKeyFromSeed(r.Seed); err != nil {
		return d, err
	}
	current, err := parseKey(&r.Current)
	if err != nil {
		return d, err
	}
	d.Current = *current
	if d.Next, err = parseKey(r.Next); err != nil {
		return d, err
	}
	if d.Previous, err = parseKey(r.Previous); err != nil {
		return d, err
	}
	if d.Next != nil && d.Next.Gen != d.Current.Gen+1 || d.Current.Gen < 1 {
		return d, errors.New("generations out of order")
	}
	return d, nil
}

func parseKey(r *keyRecord) (*Key, error) {
	if r == nil {
		return nil, nil
	}
	private, err := envelope.ParseDecryptionKey(r.PKCS8)
	if err != nil {
		return nil, err
	}
	return &Key{Gen: r.Gen, Private: private}, nil
}
