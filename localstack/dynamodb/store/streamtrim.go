package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// TrimStreams removes the records that were created before the given time, and
// the streams that were closed before it. It does not sync to disk, because it
// can be repeated after a crash.
func (s *Store) TrimStreams(before time.Time) error {
	for _, def := range s.Streams() {
		var err error
		if !def.Closed.IsZero() && def.Closed.Before(before) {
			err = s.removeStream(def)
		} else {
			err = s.trim(def, before)
		}
		if err != nil {
			return fmt.Errorf("stream of table %s: %w", def.Table, err)
		}
	}
	return nil
}

// removeStream removes a closed stream, unless it has been opened again.
func (s *Store) removeStream(def *StreamDefinition) error {
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	if s.streams[def.ID].Definition() != def {
		return nil
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := errors.Join(
		batch.Delete(streamKey(def.ID), nil),
		deletePrefix(batch, streamPrefix(def.ID)),
		s.write(batch, pebble.NoSync),
	); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	delete(s.streams, def.ID)
	return nil
}

// LastBefore returns the number of the last present record that was created
// before t, 0 if there is none.
func (s *Store) LastBefore(st *Stream, t time.Time) (uint64, error) {
	s.streamsMu.RLock()
	defer s.streamsMu.RUnlock()
	return s.lastBefore(st.Definition(), t)
}

func (s *Store) trim(def *StreamDefinition, before time.Time) error {
	last, err := s.lastBefore(def, before)
	if err != nil || last == 0 {
		return err
	}
	s.streamsMu.Lock()
	defer s.streamsMu.Unlock()
	st := s.streams[def.ID]
	trimmed := *st.Definition()
	trimmed.Trimmed = last
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := errors.Join(
		batch.DeleteRange(streamPrefix(def.ID), recordKey(def.ID, last+1), nil),
		putStream(batch, &trimmed),
		s.write(batch, pebble.NoSync),
	); err != nil {
		return fmt.Errorf("trim: %w", err)
	}
	st.def.Store(&trimmed)
	return nil
}

func (s *Store) lastBefore(def *StreamDefinition, before time.Time) (last uint64, err error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: recordKey(def.ID, def.Trimmed+1),
		UpperBound: After(streamPrefix(def.ID)),
	})
	if err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return 0, fmt.Errorf("stream record: %w", err)
		}
		r, err := decodeRecord(recordNumber(iter.Key()), value)
		if err != nil {
			return 0, err
		}
		if !r.Created.Before(before) {
			break
		}
		last = r.Number
	}
	return last, nil
}
