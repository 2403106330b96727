package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Token makes a transaction idempotent: its record is part of the commit.
type Token struct {
	ID      string
	Digest  [sha256.Size]byte // of what the transaction asks for
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

// checkToken says what an earlier use of the token means for this one.
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

// ForgetTokens removes up to limit tokens that expired before now, and says
// how many it found.
func (s *Store) ForgetTokens(now time.Time, limit int) (int, error) {
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
		if err := s.forgetToken(key); err != nil {
			return 0, fmt.Errorf("expired tokens: %w", err)
		}
	}
	return len(due), nil
}

// forgetToken removes one entry of the expiry index, and the record unless a
// later transaction has used the token anew. Losing this to a crash only means
// to do it again, so it does not wait for the disk.
func (s *Store) forgetToken(expiry []byte) error {
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
