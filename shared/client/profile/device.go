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

// Device is a user's device as it stood when it was read.
type Device struct {
	Signing *envelope.SigningKey
	// Current is the newest key that the service has confirmed, or the first.
	Current Key
	// Next is a key that was kept before it was offered to the service and is
	// not confirmed yet. The service may know it already: the answer may be
	// lost.
	Next *Key
	// Previous opens what was sealed before the last rotation and was still on
	// its way. One generation is enough, since what it cannot open is asked for
	// again and comes sealed to the newest.
	Previous *Key
}

// ID is the device's name.
func (d Device) ID() chat.Device { return chat.Device(d.Signing.Thumbprint()) }

// Newest is the key to offer in a handshake: Next where there is one. That
// heals a rotation that was cut off, whether or not the service heard of it.
func (d Device) Newest() Key {
	if d.Next != nil {
		return *d.Next
	}
	return d.Current
}

// Find returns the private key with this thumbprint, nil if the device has
// none.
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

// deviceFile holds a device's keys.
const deviceFile = "device.json"

func (u *User) file() string { return u.dir + "/" + deviceFile }

// lock is the user's own: making keys takes a while, and no other user waits.
func (u *User) lock() string { return u.dir + "/lock" }

// Device reads the user's device and makes it, with fresh keys, where there is
// none yet. Of several that do so at once, all get the same device.
func (u *User) Device() (Device, error) {
	if d, ok, err := u.readDevice(); err != nil || ok {
		return d, err
	}
	return u.change(func(d Device) (Device, error) { return d, nil })
}

// HasDevice says whether the user has a device here, and makes none.
func (u *User) HasDevice() (bool, error) {
	_, ok, err := u.readDevice()
	return ok, err
}

// PrepareKey keeps a next encryption key, if none is prepared already. It is on
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

// ConfirmKey notes that the service has taken the key of generation gen. It
// does nothing unless that key is the one prepared.
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

// change makes the device if needed, changes it and saves it, all under the
// lock.
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
