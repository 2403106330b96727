package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// Expired returns up to limit rows of t whose expiry time, in Unix seconds, is
// in [from, to), in the order of that time.
func (s *Store) Expired(t *Table, from, to int64, limit int) ([][]byte, error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: expiryKey(t.id, from, nil),
		UpperBound: expiryKey(t.id, to, nil),
	})
	if err != nil {
		return nil, fmt.Errorf("expiry index: %w", err)
	}
	var rows [][]byte
	for ok := iter.First(); ok && len(rows) < limit; ok = iter.Next() {
		rows = append(rows, append([]byte(nil), iter.Key()[tablePrefixLen+8:]...))
	}
	if err := iter.Close(); err != nil {
		return nil, fmt.Errorf("expiry index: %w", err)
	}
	return rows, nil
}

// Expires returns the expiry time of item in Unix seconds: the value of the
// table's TTL attribute, rounded down. ok is false if that is not a number of
// at least 1.
func (d *Definition) Expires(item attr.Item) (seconds int64, ok bool) {
	if d.TTL == "" || item == nil {
		return 0, false
	}
	v, ok := item[d.TTL]
	if !ok || v.Kind() != attr.N {
		return 0, false
	}
	seconds, ok = v.Number().Floor()
	return seconds, ok && seconds > 0
}
