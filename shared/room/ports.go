package room

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/shared/chat"
)

// ErrGone means that a connection no longer exists (HTTP 410).
var ErrGone = errors.New("the connection is gone")

// Poster posts frames to connections.
type Poster interface {
	// Post sends one frame to one connection. Error: ErrGone.
	Post(ctx context.Context, id chat.Connection, data []byte) error
	// PostAll makes and posts one frame for each of n connections, a bounded
	// number at a time, and calls outcome once for each, concurrently. A slow
	// or dead connection delays only the others behind it on the same worker,
	// for a bounded time. A panic of frame is the outcome of that connection,
	// as an error. When ctx ends, no further frames are made, and the outcome
	// of the rest is ctx's error.
	PostAll(ctx context.Context, n int, connection func(i int) chat.Connection,
		frame func(i int) ([]byte, error), outcome func(i int, err error))
	// Close closes a connection. It is not an error if the connection is gone.
	Close(ctx context.Context, id chat.Connection) error
}

// Courier hands over chunks of a large room to other instances.
type Courier interface {
	// HandOver makes another instance call Service.Deliver with the chunk soon
	// and at least once. After an error the call may happen nevertheless.
	HandOver(ctx context.Context, c Chunk) error
}

// ErrStaleKey means that a token is sealed to a server key that is unknown or
// destroyed.
var ErrStaleKey = errors.New("the server key is not accepted")

// ErrNoKeySet means that the service has no keys yet, or that its key set has
// expired.
var ErrNoKeySet = errors.New("there is no valid key set")

// ErrDamaged means that a stored entry or key cannot be read, now or later: a
// retry does not help.
var ErrDamaged = errors.New("the stored entry is damaged")

// ErrMAC means that a client's frame is not authenticated under the key of its
// session.
var ErrMAC = errors.New("the frame is not authenticated")

// Keys is the part of the keyring that the use cases need. Only the keyring
// holds the service's private keys.
type Keys interface {
	// KeySet returns the signed key set, and has it made if there is none.
	// Error: ErrNoKeySet.
	KeySet(ctx context.Context) (string, error)
	// Accepts reports whether kid names a server key that clients may still
	// seal to.
	Accepts(ctx context.Context, kid string) (bool, error)
	// OpenSend opens a `sotto-send+jwe` and returns its plaintext and kid.
	// Errors: ErrStaleKey; envelope.ErrEnvelope.
	OpenSend(ctx context.Context, token string) (plaintext []byte, kid string, err error)
	// OpenSession opens the secret of a session, a `sotto-session+jwe`, and
	// returns the session's two MAC keys, wrapped for that place. nonce and
	// proof are those of the handshake. Errors: ErrStaleKey;
	// envelope.ErrEnvelope.
	OpenSession(ctx context.Context, token string, nonce []byte, proof string,
		place []byte) (toService, toClient []byte, err error)
	// CheckFrame checks the MAC of a client's frame under a wrapped key.
	// Errors: ErrMAC; ErrDamaged if the key was wrapped for another place.
	CheckFrame(ctx context.Context, toService, place, frame []byte) error
	// AuthenticateFrame adds the MAC to a frame for a client under a wrapped
	// key. Error: ErrDamaged if the key was wrapped for another place.
	AuthenticateFrame(ctx context.Context, toClient, place, frame []byte) ([]byte, error)
	// SealAtRest and OpenAtRest encrypt and decrypt what the database stores.
	// Error of OpenAtRest: ErrDamaged.
	SealAtRest(ctx context.Context, plaintext, additional []byte) (dataKey string, sealed []byte, err error)
	OpenAtRest(ctx context.Context, dataKey string, sealed, additional []byte) ([]byte, error)
	// SealLasting is SealAtRest for what does not expire with the messages.
	SealLasting(ctx context.Context, plaintext, additional []byte) (dataKey string, sealed []byte, err error)
}
