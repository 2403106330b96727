// Package keyring holds the service's private keys: its Ed25519 identity, the
// RSA pairs that clients seal to, and the AES keys that encrypt messages at
// rest. No other package may handle a private key of the service.
//
// Use one Keyring per process. It keeps each unwrapped private key in memory
// after the first use, and nowhere else: a Store gets keys wrapped by a KMS,
// and no error, log line or formatted value contains a key. A Keyring never
// returns a private key. Callers pass tokens and ciphertexts and get
// plaintexts.
//
// # States of a server key
//
// Server keys are numbered from 1. The key set of generation g has key g as the
// active one, so a key's state follows from the key set, the only record that
// is ever replaced:
//
//	published     number above the key set's generation: stored, not yet announced
//	active        number equal to it: first in the key set
//	decrypt-only  below it and listed there as retired: still opened
//	destroyed     below it, and not listed or past its time: refused, then deleted
//
// Each server key has a session key of the same number beside it, to which
// clients seal the secrets of their sessions. A retired one still opens for
// sessionKeyGrace. Wrapping keys encrypt the MAC keys of sessions in the
// database; each generation has a new one.
//
// To activate a pair and retire its predecessor is therefore one conditional
// write. All other records are written once and deleted once, so that the next
// run can continue after a crash between any two steps.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
)

var (
	// ErrStaleKey means that a token names a server key which is unknown or
	// destroyed. The client fetches the key set and seals again.
	ErrStaleKey = errors.New("the server key is not accepted")

	// ErrAtRest means that a stored ciphertext cannot be opened: it, its
	// additional data or its data key's id differs from what was sealed.
	ErrAtRest = errors.New("stored text cannot be opened")
)

const (
	// DefaultKeySetLifetime is how long clients may use a key set: twice a
	// weekly schedule, so that one missed run has no effect.
	DefaultKeySetLifetime = 14 * 24 * time.Hour

	// connectionLifetime is the longest time of a connection (API Gateway
	// quotas). A client may get a key set just before it expires, and use it as
	// long as it stays connected.
	connectionLifetime = 2 * time.Hour

	// clockSlack covers the difference between clocks and a token in transit.
	clockSlack = time.Hour

	// DefaultDataKeyAge is how long a data key encrypts. AES-GCM with random
	// 96-bit nonces is safe for 2³² texts under a key (NIST SP 800-38D §8.3:
	// the chance of a repeated nonce stays below 2⁻³²). A text takes a request,
	// and API Gateway's quota of 10,000 requests a second makes 1.73 × 10⁹ of
	// them in two days, less than 2³¹. The remaining factor of two covers
	// instances that have not read a newer key yet and clocks that differ.
	DefaultDataKeyAge = 48 * time.Hour

	// maxSnapshotAge is how long an instance uses the records that it has read,
	// and so the longest time that it accepts a key after another instance has
	// destroyed it.
	maxSnapshotAge = 5 * time.Minute

	// unknownKeyInterval is the shortest time between two reads of the store
	// because of unknown kids, so that invented kids cannot cause many reads.
	unknownKeyInterval = 10 * time.Second
)

// Options of a Keyring. Only Audience is required.
type Options struct {
	// Audience names the deployment: host and stage of its WebSocket URL, the
	// protocol's aud. Keys are bound to it when made, so it cannot change.
	Audience string

	// ServerKeyBits is the size of new server keys, 2048 (0 means that) or
	// 3072.
	ServerKeyBits int

	// KeySetLifetime is how long a key set is valid; 0 means the default.
	KeySetLifetime time.Duration

	// DecryptOnlyFor is how long a retired server key still opens tokens. 0
	// means the key set's lifetime, the two hours a connection lives, and an
	// hour of slack.
	DecryptOnlyFor time.Duration

	// DataKeyAge is how long a data key encrypts; 0 means DefaultDataKeyAge,
	// which is also the maximum.
	DataKeyAge time.Duration

	// DataKeyRetention is how long a data key still decrypts after another has
	// replaced it. Then Rotate destroys it, and with it everything sealed under
	// it, also in backups. It must exceed the retention of what is sealed; 0
	// keeps data keys for ever.
	DataKeyRetention time.Duration

	// Maker makes missing keys where that is allowed, by calling Ensure there.
	// KeySet calls it if there is no key set or it is about to expire. nil
	// means that KeySet returns only what is stored.
	Maker func(context.Context) error

	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.ServerKeyBits == 0 {
		o.ServerKeyBits = envelope.DefaultBits
	}
	if o.KeySetLifetime == 0 {
		o.KeySetLifetime = DefaultKeySetLifetime
	}
	if o.DecryptOnlyFor == 0 {
		o.DecryptOnlyFor = o.KeySetLifetime + connectionLifetime + clockSlack
	}
	if o.DataKeyAge <= 0 || o.DataKeyAge > DefaultDataKeyAge {
		o.DataKeyAge = DefaultDataKeyAge
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Keyring holds a deployment's keys. It is safe for concurrent use, also by
// many processes over one store.
type Keyring struct {
	store   Store
	kms     KMS
	options Options

	snapshot atomic.Pointer[snapshot]
	reading  gate // around reading the store into snapshot
	changing gate // around making and rotating keys in this process

	service    secrets[envelope.SigningKey]
	serverKeys secrets[envelope.DecryptionKey]
	dataKeys   secrets[dataKey]

	sessionKeys secrets[envelope.DecryptionKey]
	wrapKeys    secrets[dataKey]

	unknown struct {
		sync.Mutex
		last time.Time // time of the last read because of an unknown kid
	}
}

// New returns a Keyring on the store. It reads nothing; see Warm.
func New(store Store, kms KMS, options Options) *Keyring {
	return &Keyring{
		store:      store,
		kms:        kms,
		options:    options.withDefaults(),
		reading:    newGate(),
		changing:   newGate(),
		service:    newSecrets[envelope.SigningKey](),
		serverKeys: newSecrets[envelope.DecryptionKey](),
		dataKeys:   newSecrets[dataKey](),

		sessionKeys: newSecrets[envelope.DecryptionKey](),
		wrapKeys:    newSecrets[dataKey](),
	}
}

// Format keeps keys out of every formatted text.
func (k *Keyring) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[keyring of "+k.options.Audience+"]")
}

func (k *Keyring) now() time.Time { return k.options.Now() }
