package keyring

import (
	"context"
	"errors"
)

// Kind is a kind of record.
type Kind string

// The kinds of records.
const (
	KindService Kind = "service" // the Ed25519 identity, one record
	KindServer  Kind = "server"  // an RSA pair each
	KindData    Kind = "data"    // an AES-256 key each
	KindSession Kind = "session" // an RSA pair each, to which secrets of sessions are sealed
	KindWrap    Kind = "wrap"    // an AES-256 key each, which wraps the MAC keys of sessions
	KindKeySet  Kind = "keyset"  // the signed key set, one record
)

// Record is one stored record. Its Value is opaque to the store, holds private
// material only as wrapped by KMS, and has at most 64 KiB.
type Record struct {
	Kind       Kind
	ID         string // unique within the kind
	Generation int64  // 1 when created, one more each time it is replaced
	Value      []byte
}

// Store stores records. Reads are strongly consistent: a read sees every write
// that was answered before the read began. Implementations pass
// keyringtest.Run.
type Store interface {
	// List returns all records in any order. It need not be a snapshot: of two
	// records that are written concurrently it may return either one alone.
	List(ctx context.Context) ([]Record, error)

	// Get returns one record. Error: ErrNotFound.
	Get(ctx context.Context, kind Kind, id string) (Record, error)

	// Create writes a record that does not exist. One of several creators wins
	// and the others get ErrConflict. Since writes are retried, the winner may
	// get ErrConflict, too.
	Create(ctx context.Context, r Record) error

	// Replace writes r in place of the record whose generation is
	// r.Generation-1. Error: ErrConflict where there is none, as for Create.
	Replace(ctx context.Context, r Record) error

	// Delete removes a record, if it exists.
	Delete(ctx context.Context, kind Kind, id string) error
}

var (
	// ErrNotFound means that a record does not exist.
	ErrNotFound = errors.New("key record not found")

	// ErrConflict means that another writer was first.
	ErrConflict = errors.New("key record was written by another")
)
