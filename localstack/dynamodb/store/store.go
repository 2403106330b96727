package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// formatVersion is the key layout that this package reads and writes. A later
// one migrates or refuses by the number found in the store.
const formatVersion = 1

const (
	// memTableSize bounds what a start replays from the write-ahead log
	// (memTables of them), and so how long it takes.
	memTableSize = 4 << 20
	memTables    = 3
	// cacheSize is for memtables and blocks together: Pebble takes the former
	// off it, and caches nothing if they fill it. It is most of the memory that
	// the engine uses, whatever the tables hold: a laptop's rather than a
	// server's, as files are in the system's cache anyway.
	cacheSize = 10 << 20
	// indexBlockSize lets most files have one index instead of an index of
	// indexes, which costs every look-up another block.
	indexBlockSize = 32 << 10
	// bloomBits per key let a look-up of an absent item skip most files.
	bloomBits = 10
)

// Store is an open store. All its methods may be used by many goroutines at
// once, but none after Close has begun.
type Store struct {
	db    *pebble.DB
	log   *slog.Logger
	now   func() time.Time
	locks *lockTable

	mu     sync.RWMutex // guards tables; held for the whole of a catalogue change
	tables map[string]*Table

	// streamsMu guards what follows, and is held over each change of a stream's
	// definition. A table's lock is taken before it.
	streamsMu  sync.RWMutex
	streams    map[uint64]*Stream
	lastStream uint64 // the greatest identifier that a stream has had since Open

	wake    chan struct{} // asks the filler to look for work
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Table is a handle on one table. It stays valid, and useless, after the table
// is dropped: a table of the same name created later has another handle.
type Table struct {
	id uint64
	// mu is held for reading through a write's commit and for writing by a
	// change of the schema: every commit sees one schema from start to end.
	mu      sync.RWMutex
	def     atomic.Pointer[Definition]
	dropped bool    // guarded by mu
	stream  *Stream // guarded by mu; nil unless changes are recorded
	// pending counts commits that readers may see but a crash could still
	// take back.
	pending atomic.Int64
}

// Definition is the table's present definition, not to be changed.
func (t *Table) Definition() *Definition { return t.def.Load() }

// Open opens the store in the folder dir, or makes one there. A folder holds
// one store, and one process at a time has it open. now gives the times of
// streams and their records.
func Open(dir string, log *slog.Logger, now func() time.Time) (*Store, error) {
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	opts := &pebble.Options{
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLog{log},
		Merger:                      sumMerger,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		opts.Levels[i].IndexBlockSize = indexBlockSize
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", dir, err)
	}
	s := &Store{
		db:      db,
		log:     log,
		now:     now,
		locks:   newLockTable(),
		tables:  make(map[string]*Table),
		streams: make(map[uint64]*Stream),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	if err := errors.Join(s.checkFormat(), s.loadCatalogue(), s.loadStreams()); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", dir, err), db.Close())
	}
	s.stopped.Go(s.fillForever)
	s.wakeFiller()
	return s, nil
}

// Close stops background work and closes the store. No other method may be
// running or be called afterwards.
func (s *Store) Close() error {
	close(s.stop)
	s.stopped.Wait()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// checkFormat stamps a new store and refuses one of an unknown layout.
func (s *Store) checkFormat() error {
	key := []byte{spaceFormat}
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return s.db.Set(key, binary.AppendUvarint(nil, formatVersion), pebble.Sync)
	}
	if err != nil {
		return fmt.Errorf("format version: %w", err)
	}
	defer closer.Close()
	found, n := binary.Uvarint(value)
	if n <= 0 || found != formatVersion {
		return fmt.Errorf("the store has format %d, this program reads format %d: use the program that wrote it, or another folder", found, formatVersion)
	}
	return nil
}

// settle waits until everything that readers of the tables can see is on disk.
// The caller has read already: a commit that it saw and that is not yet on
// disk is still counted, and a synced record behind it in the log covers it.
func (s *Store) settle(tables ...*Table) error {
	for _, t := range tables {
		if t.pending.Load() > 0 {
			if err := s.db.LogData(nil, pebble.Sync); err != nil {
				return fmt.Errorf("wait for the log: %w", err)
			}
			return nil
		}
	}
	return nil
}

// pebbleLog puts Pebble's messages into the program's log.
type pebbleLog struct{ log *slog.Logger }

func (l pebbleLog) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("store: " + fmt.Sprintf(format, args...))
	}
}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("store: " + fmt.Sprintf(format, args...))
}

// Fatalf ends the process: Pebble calls it when it can no longer keep what it
// promised, for example when the log cannot be written, and must not be
// returned to. What was answered is on disk. The panic has a goroutine of its
// own, because one on a request's would be recovered by net/http.
func (l pebbleLog) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	go panic("store: " + fmt.Sprintf(format, args...))
	select {}
}
