// Package keyring is the sole holder of the service's private keys: its Ed25519
// identity, the RSA pairs that clients seal to, and the AES keys under which
// messages rest. Nothing else touches a private key; nothing is to go round it.
//
// Use one Keyring per process. It keeps each private key unwrapped in memory
// from the first use on, and only there: a Store sees keys wrapped by a KMS,
// and no error, log or formatted value shows any. It never gives a private key
// away; callers hand in tokens and ciphertexts and get back what was inside.
//
// # States of a server key
//
// Server keys are numbered from 1. The key set of generation g has key g as the
// active one, so a key's state follows from the one record that is ever
// replaced:
//
//	published     number above the key set's generation: stored, not yet announced
//	active        number equal to it: first in the key set
//	decrypt-only  below it and listed there as retired: still opened
//	destroyed     below it, and not listed or past its time: refused, then deleted
//
// Activating a pair and retiring its predecessor is thus one conditional write
// with one winner. All other records are written once and deleted once, so that
// a crash between any two steps leaves only work that the next run takes up.
package keyring

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sotto-chat/sotto/shared/envelope"
)

var (
	// ErrStaleKey says that a token names a server key which is unknown or
	// destroyed. The client fetches the key set and seals again.
	ErrStaleKey = errors.New("the server key is not accepted")

	// ErrAtRest says that a stored ciphertext cannot be opened: it, its
	// additional data or its data key's id is not what was sealed.
	ErrAtRest = errors.New("stored text cannot be opened")
)

const (
	// DefaultKeySetLifetime is how long clients may use a key set: twice a
	// weekly schedule, so that one missed run is not noticed.
	DefaultKeySetLifetime = 14 * 24 * time.Hour

	// connectionLifetime is API Gateway's bound on a connection (its quotas). A
	// client may take a key set in the last minute of its life, and use it as
	// long as it stays connected.
	connectionLifetime = 2 * time.Hour

	// clockSlack allows for clocks that differ and for a token on its way.
	clockSlack = time.Hour

	// DefaultDataKeyAge is how long a data key encrypts. AES-GCM with random
	// 96-bit nonces is safe for 2³² texts under a key (NIST SP 800-38D §8.3:
	// the chance of a repeated nonce stays below 2⁻³²). A text takes a request,
	// and API Gateway's quota of 10,000 requests a second makes 1.73 × 10⁹ of
	// them in two days, less than 2³¹. The factor of two that is left covers
	// instances that have not yet seen a newer key and clocks that differ.
	DefaultDataKeyAge = 48 * time.Hour

	// maxSnapshotAge is how long an instance uses the records as it read them:
	// the longest that it can go on accepting a key that was destroyed
	// elsewhere.
	maxSnapshotAge = 5 * time.Minute

	// unknownKeyInterval is how often unknown kids can make an instance read
	// the store, so that made-up kids cannot.
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
	// and longer than that is cut down to it.
	DataKeyAge time.Duration

	// DataKeyRetention is how long a data key still decrypts after another took
	// its place. Rotate destroys it then, and with it everything sealed under
	// it, in backups too. It must exceed the retention of what is sealed; 0
	// keeps data keys for ever.
	DataKeyRetention time.Duration

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

	unknown struct {
		sync.Mutex
		last time.Time // when an unknown kid last made us read
	}
}

// New makes a Keyring over the store. It reads nothing: see Warm.
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
	}
}

// Format keeps what a Keyring holds out of every formatted text.
func (k *Keyring) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[keyring of "+k.options.Audience+"]")
}

func (k *Keyring) now() time.Time { return k.options.Now() }
