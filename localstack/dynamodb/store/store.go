package store

import (
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

// formatVersion is the version of the key layout. The store contains it, so
// that a later version of this package can migrate or refuse an older store.
const formatVersion = 1

const (
	// memTableSize × memTables bounds the part of the write-ahead log that a
	// start replays, and so the time that it takes.
	memTableSize = 4 << 20
	memTables    = 3
	// cacheSize is for memtables and blocks together. Pebble subtracts the
	// memtables and caches no blocks if they fill it. It is most of the memory
	// that the engine uses, for tables of any size. It is small, for a laptop,
	// because the operating system caches the files too.
	cacheSize = 10 << 20
	// indexBlockSize is large enough for most files to have a one-level index.
	// A two-level index costs each look-up another block.
	indexBlockSize = 32 << 10
	// bloomBits is the number of bits per key of the Bloom filters, which let a
	// look-up of a missing item skip most files.
	bloomBits = 10
)

// Store is an open store. Its methods may be called concurrently, but not
// during or after Close.
type Store struct {
	db      *pebble.DB
	log     *slog.Logger
	now     func() time.Time
	failure *failure
	locks   *lockTable

	mu     sync.RWMutex // guards tables; held during a whole change of the catalogue
	tables map[string]*Table

	// streamsMu guards streams and lastStream, and is held during each change
	// of a stream's definition. The lock of a table is acquired before it.
	streamsMu  sync.RWMutex
	streams    map[uint64]*Stream
	lastStream uint64 // the greatest identifier of a stream since Open

	wake    chan struct{} // wakes the filler
	stop    chan struct{}
	stopped sync.WaitGroup
}

// Table is a handle of one table. After the table is dropped, writes with the
// handle return ErrNoTable, even if a new table has the same name.
type Table struct {
	id uint64
	// mu is held for reading during each commit and for writing during a change
	// of the schema, so that a commit uses one schema throughout.
	mu      sync.RWMutex
	def     atomic.Pointer[Definition]
	dropped bool    // guarded by mu
	stream  *Stream // guarded by mu; nil if changes are not recorded
	// pending counts the commits that readers may see but a crash could still
	// undo.
	pending atomic.Int64
}

// Definition returns the table's present definition. The caller must not change
// it.
func (t *Table) Definition() *Definition { return t.def.Load() }

// Open opens the store in the folder dir, or creates one. Only one process at a
// time can open a folder. now is the clock for streams and their records.
//
// fatal is called at most once, when the store cannot guarantee durability any
// more, for example because the disk is full. All commits that were reported
// are on disk, but no method returns any longer, so the process should end. If
// fatal is nil, the store panics.
func Open(dir string, log *slog.Logger, now func() time.Time, fatal func(error)) (*Store, error) {
	stopped := &failure{report: fatal}
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	opts := &pebble.Options{
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLog{log, stopped},
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
		failure: stopped,
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

// checkFormat writes the format version to a new store, and returns an error
// for a store of another version.
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

// settle waits until everything that the caller has read from the tables is on
// disk. A commit that it saw and that is not yet on disk is still counted in
// pending, and syncing a later record of the log syncs the commit too.
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
