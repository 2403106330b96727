package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Token makes a transaction idempotent. It is stored in the same commit.
type Token struct {
	ID      string
	Digest  [sha256.Size]byte // of the request
	Now     time.Time
	Expires time.Time
}

func (t *Token) key() []byte { return append([]byte{spaceTokens}, t.ID...) }

func tokenExpiryKey(seconds int64, id string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{spaceTokenExpiry}, uint64(seconds))
	return append(b, id...)
}

func (t *Token) write(batch *pebble.Batch) error {
	seconds := t.Expires.Unix()
	value := binary.BigEndian.AppendUint64(nil, uint64(seconds))
	if err := errors.Join(
		batch.Set(t.key(), append(value, t.Digest[:]...), nil),
		batch.Set(tokenExpiryKey(seconds, t.ID), nil, nil),
	); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	return nil
}

// checkToken returns an error if an unexpired earlier transaction used the
// token: ErrTokenReplayed if the digest is the same, else ErrTokenMismatch.
func (s *Store) checkToken(t *Token) error {
	value, closer, err := s.db.Get(t.key())
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	defer closer.Close()
	switch {
	case int64(binary.BigEndian.Uint64(value)) <= t.Now.Unix():
		return nil
	case string(value[8:]) != string(t.Digest[:]):
		return ErrTokenMismatch
	default:
		return ErrTokenReplayed
	}
}

// RemoveExpiredTokens removes up to limit tokens that expired before now and
// returns how many it found.
func (s *Store) RemoveExpiredTokens(now time.Time, limit int) (int, error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{spaceTokenExpiry},
		UpperBound: tokenExpiryKey(now.Unix(), ""),
	})
	if err != nil {
		return 0, fmt.Errorf("expired tokens: %w", err)
	}
	var due [][]byte
	for ok := iter.First(); ok && len(due) < limit; ok = iter.Next() {
		due = append(due, append([]byte(nil), iter.Key()...))
	}
	if err := iter.Close(); err != nil {
		return 0, fmt.Errorf("expired tokens: %w", err)
	}
	for _, key := range due {
		if err := s.removeToken(key); err != nil {
			return 0, fmt.Errorf("expired tokens: %w", err)
		}
	}
	return len(due), nil
}

// removeToken removes one entry of the expiry index of tokens, and the token
// itself unless a later transaction has used it again. It does not sync to
// disk, because it can be repeated after a crash.
func (s *Store) removeToken(expiry []byte) error {
	id := string(expiry[9:])
	record := (&Token{ID: id}).key()
	batch := s.db.NewBatch()
	defer batch.Close()
	value, closer, err := s.db.Get(record)
	switch {
	case err == nil:
		same := string(value[:8]) == string(expiry[1:9])
		closer.Close()
		if same {
			if err := batch.Delete(record, nil); err != nil {
				return err
			}
		}
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	if err := batch.Delete(expiry, nil); err != nil {
		return err
	}
	return batch.Commit(pebble.NoSync)
}
