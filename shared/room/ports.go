package room

import (
	"context"
	"errors"

	"github.com/sotto-chat/sotto/shared/chat"
)

// ErrGone says that a connection does not exist any more (HTTP 410).
var ErrGone = errors.New("the connection is gone")

// Poster posts frames to connections.
type Poster interface {
	// Post sends one frame to one connection. Error: ErrGone.
	Post(ctx context.Context, id chat.Connection, data []byte) error
	// PostAll makes and posts one frame for each of n connections, a bounded
	// number at a time, and reports each outcome, several at the same time. A
	// slow or dead connection holds up its own place among these, and no longer
	// than a bounded time. When ctx ends, the rest is not made, and its outcome
	// is ctx's error.
	PostAll(ctx context.Context, n int, connection func(i int) chat.Connection,
		frame func(i int) ([]byte, error), outcome func(i int, err error))
	// Close closes a connection. Closing one that is gone is no error.
	Close(ctx context.Context, id chat.Connection) error
}

// Courier hands parts of a large room's delivery to other instances.
type Courier interface {
	// HandOver has Service.Deliver called with the chunk soon, elsewhere, and
	// at least once. After an error it may be called, too.
	HandOver(ctx context.Context, c Chunk) error
}

// ErrStaleKey says that a token is sealed to a server key that is unknown or
// destroyed.
var ErrStaleKey = errors.New("the server key is not accepted")

// ErrDamaged says that what the database keeps cannot be read and never will
// be, unlike after a failure that passes.
var ErrDamaged = errors.New("the stored entry is damaged")

// Keys is what the use cases need of the keyring, which alone holds the
// service's private keys.
type Keys interface {
	// KeySet returns the signed key set, making keys where there are none yet.
	KeySet(ctx context.Context) (string, error)
	// Accepts says whether kid names a server key that may still be sealed to.
	Accepts(ctx context.Context, kid string) (bool, error)
	// OpenSend opens a `sotto-send+jwe` and returns its plaintext and kid.
	// Errors: ErrStaleKey; envelope.ErrEnvelope.
	OpenSend(ctx context.Context, token string) (plaintext []byte, kid string, err error)
	// SealAtRest and OpenAtRest encrypt what the database keeps. Error of
	// OpenAtRest: ErrDamaged.
	SealAtRest(ctx context.Context, plaintext, additional []byte) (dataKey string, sealed []byte, err error)
	OpenAtRest(ctx context.Context, dataKey string, sealed, additional []byte) ([]byte, error)
}
