// Package envelope is the one cryptographic profile of the protocol: compact
// JWS (RFC 7515) signed with Ed25519, compact JWE (RFC 7516) under RSA-OAEP-256
// and A256GCM, and the JWKs (RFC 7517) of both kinds of key.
//
// Use it wherever a token or a key enters or leaves the program. It has no
// options: there is one algorithm for each purpose, so a sender cannot make a
// receiver use another. The algorithm and the typ always come from the caller's
// code, never from the token.
//
// The cryptography is go-jose's. The package refuses what go-jose accepts
// beyond the profile before it calls it: go-jose inflates a "zip" header,
// honours "b64":false, reads base64 with altered last bits and accepts private
// members in a public JWK. So each part of a token or key has exactly one
// accepted spelling, and parsed tokens can be compared, stored and packed.
//
// The package does no I/O, keeps no state, does not depend on chat, and never
// puts a plaintext or a private key into an error or a formatted value.
package envelope

import "errors"

// Type is the typ header. It separates every use of a key from every other one
// (RFC 8725 §3.11): a token made for one purpose is refused for the rest, even
// though one key signs several kinds.
type Type string

// The types of signed tokens (JWS).
const (
	TypeKeys      Type = "sotto-keys+jwt"      // the service's key set
	TypeHandshake Type = "sotto-handshake+jwt" // a device proves its key on a connection
	TypeLink      Type = "sotto-link+jwt"      // a device links another of its user
	TypeMessage   Type = "sotto-message+jwt"   // a text, by its sender
	TypeRoom      Type = "sotto-room+jwt"      // an operation on a closed room, by a user
	TypeRotate    Type = "sotto-rotate+jwt"    // a device announces its next encryption key
	TypeRevoke    Type = "sotto-revoke+jwt"    // a device revokes another of its user
)

// The types of sealed tokens (JWE).
const (
	TypeWelcome       Type = "sotto-welcome+jwe" // to a device: the session
	TypeSend          Type = "sotto-send+jwe"    // to the service: a TypeMessage or TypeRoom token
	TypeSealedMessage Type = "sotto-message+jwe" // to a device: a message
	TypeHistory       Type = "sotto-history+jwe" // to a device: a page of messages
	TypeRooms         Type = "sotto-rooms+jwe"   // to a device: names, members and invitations of rooms
	TypeRotated       Type = "sotto-rotated+jwe" // to a device's new key
	TypeSession       Type = "sotto-session+jwe" // to the service: a session's secret, in a proof
)

// signed reports whether the type belongs to a JWS.
func (t Type) signed() bool {
	switch t {
	case TypeKeys, TypeHandshake, TypeLink, TypeMessage, TypeRoom, TypeRotate, TypeRevoke:
		return true
	}
	return false
}

// mayCarryKey reports whether the header may have the signer's public key: only
// in the two tokens of parties that do not have each other's keys yet.
func (t Type) mayCarryKey() bool { return t == TypeHandshake || t == TypeKeys }

// sealed reports whether the type belongs to a JWE.
func (t Type) sealed() bool {
	switch t {
	case TypeWelcome, TypeSend, TypeSealedMessage, TypeHistory, TypeRooms, TypeRotated, TypeSession:
		return true
	}
	return false
}

// Bounds, in bytes of the compact form. They are checked before anything is
// decoded and also when a token is made, so that the other side accepts it.
const (
	// MaxSigned bounds a JWS. A client's frame is at most 32,768 bytes as sent
	// (API Gateway closes with 1009 above it), and every JWS a client makes
	// travels in one.
	MaxSigned = 32 << 10

	// MaxSealed bounds a JWE. The largest is a history page with a single
	// message of MaxSigned bytes inside: 4/3 of that and its envelope.
	MaxSealed = 64 << 10

	// MaxJWK bounds a public key: an RSA key of 3072 bits has about 610 bytes.
	MaxJWK = 1 << 10

	// maxHeader bounds a decoded protected header: the longest, with an
	// embedded key, has 280 bytes.
	maxHeader = 512
)

var (
	// ErrEnvelope is the error of every failure with a JWE. Errors of
	// ParseSealed add which public part was malformed; Open returns only this
	// value, so that no caller can reveal at which step a decryption failed.
	ErrEnvelope = errors.New("envelope cannot be opened")

	// ErrSignature is the error of every failure with a JWS, of its structure
	// or its signature.
	ErrSignature = errors.New("signature not acceptable")

	// ErrKey is the error for every key outside the profile.
	ErrKey = errors.New("key not acceptable")
)
