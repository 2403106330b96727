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

// Session names the binding of a connection to a device (`sid`). It is a
// binding and not a secret: recipients of a message see it.
type Session string

// Room is a group chat, named like a user.
type Room string

// Lobby exists always and everybody is in it.
const Lobby Room = "lobby"

// MessageID is the ULID a client chose for a message: its idempotency key,
// unique per room, user and device. Its time part means nothing.
type MessageID string

// Epoch is the random id of a room's log. Another epoch tells clients to
// forget their seqs.
type Epoch string

// Seq is a message's position in its room's log: 1, 2, 3 … without gaps.
type Seq int64

var (
	namePattern       = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,31}$`)
	thumbprintPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	// ULID: 26 characters of Crockford's base 32; the first is at most 7 since
	// the value has 128 bits.
	ulidPattern = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)
)

var reservedUsers = map[User]bool{"admin": true, "system": true, "service": true, "sotto": true}

// ParseUser checks a user's name: 2 to 32 characters, not reserved (protocol
// §1).
func ParseUser(s string) (User, error) {
	if !namePattern.MatchString(s) || reservedUsers[User(s)] {
		return "", NameInvalid
	}
	return User(s), nil
}

// ParseRoom checks a room's name: 2 to 32 characters (protocol §1).
func ParseRoom(s string) (Room, error) {
	if !namePattern.MatchString(s) {
		return "", RoomInvalid
	}
	return Room(s), nil
}

// ParseMessageID checks that s is a canonical ULID. What is not breaks the
// message's form, hence BadEnvelope: an id is only ever found inside a token.
func ParseMessageID(s string) (MessageID, error) {
	if !ulidPattern.MatchString(s) {
		return "", BadEnvelope
	}
	return MessageID(s), nil
}

// IsThumbprint says whether s has the form of an RFC 7638 SHA-256 thumbprint.
func IsThumbprint(s string) bool { return thumbprintPattern.MatchString(s) }

// NewSession returns a fresh random session id.
func NewSession() Session { return Session(randomID(16)) }

// NewEpoch returns a fresh random epoch.
func NewEpoch() Epoch { return Epoch(randomID(9)) }

// NewNonce returns a fresh handshake nonce of 256 random bits (protocol §3).
func NewNonce() string { return randomID(32) }

// randomID returns n random bytes as base64url. crypto/rand.Read never fails
// (it crashes the program rather than return weak randomness).
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
