package chat

import (
	"crypto/rand"
	"encoding/base64"
	"regexp"
)

// User is a user's name, owned by the holder of its first device's signing key.
type User string

// Device names one installation of a client: the RFC 7638 thumbprint of its
// Ed25519 signing key, 43 characters of base64url.
type Device string

// Connection is a WebSocket connection as API Gateway names it: opaque.
type Connection string

// Session identifies the binding of a connection to a device (`sid`). It is not
// secret: the recipients of a message see it.
type Session string

// MessageID is the ULID that a client chose for a message: its idempotency key,
// unique per room, user and device. The service ignores its time part.
type MessageID string

// Epoch is the random id of a room's log. If it changes, clients forget their
// seqs.
type Epoch string

// Seq is a message's position in its room's log: 1, 2, 3 … without gaps.
type Seq int64

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,31}$`)
	// 43 characters have two bits more than a SHA-256 hash. They are zero, so
	// that a thumbprint has one spelling.
	thumbprintPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$`)
	// A ULID has 26 characters of Crockford's base 32. The first is at most 7,
	// since the value has 128 bits.
	ulidPattern = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
)

// reserved are the names that nobody may take: they would pass for the service,
// for its operators or for a group of users.
var reserved = map[string]bool{
	"admin": true, "administrator": true, "all": true, "channel": true, "everybody": true, "everyone": true,
	"help": true, "here": true, "lobby": true, "me": true, "mod": true, "moderator": true, "operator": true,
	"owner": true, "root": true, "security": true, "service": true, "sotto": true, "staff": true, "support": true,
	"system": true, "you": true,
}

// Check reports whether u has the form of a user's name: 2 to 32 characters,
// not reserved (protocol §1). Error: NameInvalid.
func (u User) Check() error {
	if !namePattern.MatchString(string(u)) || reserved[string(u)] {
		return NameInvalid
	}
	return nil
}

// ParseUser returns s as a user's name. Error: NameInvalid, as of User.Check.
func ParseUser(s string) (User, error) {
	if err := User(s).Check(); err != nil {
		return "", err
	}
	return User(s), nil
}

// Check reports whether id is a canonical ULID. Error: BadEnvelope, since an id
// occurs only within a signed message.
func (id MessageID) Check() error {
	if !ulidPattern.MatchString(string(id)) {
		return BadEnvelope
	}
	return nil
}

// IsThumbprint reports whether s has the form of an RFC 7638 SHA-256
// thumbprint, as a Device and the id of a key have.
func IsThumbprint[S ~string](s S) bool { return thumbprintPattern.MatchString(string(s)) }

// NewSession returns a fresh random session id.
func NewSession() Session { return Session(randomID(16)) }

// NewEpoch returns a fresh random epoch.
func NewEpoch() Epoch { return Epoch(randomID(9)) }

// NewPush returns the random number of a push, 64 bits: a client handles a push
// once.
func NewPush() string { return randomID(8) }

// NewRef returns a random ref of 128 bits: an answer that repeats it cannot be
// an old one.
func NewRef() string { return randomID(16) }

// NewNonce returns a fresh handshake nonce of 256 random bits (protocol §3).
func NewNonce() string { return randomID(32) }

// randomID returns n random bytes as base64url. crypto/rand.Read never fails
// (it crashes the program rather than return weak randomness).
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
