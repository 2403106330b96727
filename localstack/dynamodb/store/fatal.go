package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
)

// failure reports, once, that the store cannot guarantee durability any more.
type failure struct {
	once   sync.Once
	report func(error) // nil panics
}

// stop reports err and never returns: a caller that went on could confirm what
// is not on disk. All commits that were confirmed are on disk.
func (f *failure) stop(err error) {
	f.once.Do(func() {
		if f.report != nil {
			// Not in this goroutine, which may hold locks of Pebble.
			go f.report(err)
			return
		}
		// In a new goroutine, because net/http recovers panics in the goroutine
		// of a request.
		go panic(err)
	})
	select {}
}

// write commits a batch. It stops the store where Pebble panics with its locks
// held: when it cannot begin another file of the log.
func (s *Store) write(batch *pebble.Batch, options *pebble.WriteOptions) error {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			s.failure.stop(fmt.Errorf("the store has stopped: %w", p))
		default:
			panic(p)
		}
	}()
	return batch.Commit(options)
}

// pebbleLog writes the messages of Pebble to a [slog.Logger].
type pebbleLog struct {
	log     *slog.Logger
	failure *failure
}

func (l pebbleLog) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("store: " + fmt.Sprintf(format, args...))
	}
}

// Errorf stops the store if the disk is full. Pebble reports that from a flush
// or a compaction, which it then tries again for ever.
func (l pebbleLog) Errorf(format string, args ...any) {
	if err := messageError(format, args); errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		l.failure.stop(err)
	}
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

// Fatalf stops the store. Pebble calls it when it cannot guarantee durability
// any more, for example when it cannot write the log, and it must not return.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.failure.stop(messageError(format, args))
}

// messageError returns a message of Pebble as an error, with the cause in it.
func messageError(format string, args []any) error {
	stopped := &stoppedError{text: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			stopped.cause = err
		}
	}
	return stopped
}

// stoppedError is a message of Pebble with the error in it.
type stoppedError struct {
	text  string
	cause error // nil if the message has none
}

func (e *stoppedError) Error() string { return "the store has stopped: " + e.text }

func (e *stoppedError) Unwrap() error { return e.cause }
