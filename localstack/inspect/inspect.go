// Package inspect serves the page of a running local stack: its connections,
// functions and tables, the path of each message through them, and what the run
// would have cost on AWS.
//
// Use an [Inspector] as the trace.Sink of every service and as an http.Handler.
// It keeps the latest events and adds up the bill; through [Source] it reads
// what exists now. It changes nothing and stores nothing on disk. It sees
// names, sizes and times, and reads items of a table only when a user opens
// them. Put it behind a handler that refuses foreign Host names, as package
// edge does.
package inspect

import (
	"sync"
	"time"

	"github.com/sotto-chat/sotto/localstack/trace"
)

// Inspector collects events and serves the page. Make one with [New]; its
// methods may be called concurrently.
type Inspector struct {
	opts Options

	mu     sync.Mutex
	source Source
	kept   []Entry       // a ring of at most Options.Keep
	oldest int           // index of the oldest in kept once it is full
	last   uint64        // the latest entry's number
	more   chan struct{} // closed and replaced at each entry
	usage  usage
	stats  map[string]*FunctionStats
}

// Options configure an Inspector. Every field has a default.
type Options struct {
	// Prices are the prices of the bill; the zero value means [ListPrices].
	Prices Prices
	// Keep is how many events are kept; 0 means 2,000.
	Keep int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Entry is a kept event with its number, from 1.
type Entry struct {
	Number uint64
	trace.Event
}

// FunctionStats counts the invocations of one function.
type FunctionStats struct {
	Invocations, Errors, ColdStarts int
	// Busy is the sum of all durations, InitTime of all initializations.
	Busy, InitTime time.Duration
}

const defaultKeep = 2000

// New returns an inspector without events.
func New(opts Options) *Inspector {
	if opts.Prices == (Prices{}) {
		opts.Prices = ListPrices
	}
	if opts.Keep <= 0 {
		opts.Keep = defaultKeep
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Inspector{
		opts:  opts,
		more:  make(chan struct{}),
		usage: usage{since: opts.Now(), open: make(map[string]time.Time)},
		stats: make(map[string]*FunctionStats),
	}
}

// SetSource replaces the source of what exists. Until it is called, the page
// shows events only.
func (in *Inspector) SetSource(s Source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.source = s
}

// Permissions returns what policies grant to functions, an empty list without a
// source.
func (in *Inspector) Permissions() []Permission {
	in.mu.Lock()
	list := in.source.Permissions
	in.mu.Unlock()
	if list == nil {
		return []Permission{}
	}
	return list()
}

// Trace records an event. It implements [trace.Sink].
func (in *Inspector) Trace(e trace.Event) {
	// They come from request headers and may be of any length.
	e.Operation, e.Resource = shortened(e.Operation), shortened(e.Resource)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.last++
	entry := Entry{in.last, e}
	if len(in.kept) < in.opts.Keep {
		in.kept = append(in.kept, entry)
	} else {
		in.kept[in.oldest] = entry
		in.oldest = (in.oldest + 1) % len(in.kept)
	}
	in.usage.add(e, in.source.Arm)
	if e.Kind == trace.Invoke {
		in.count(e)
	}
	close(in.more)
	in.more = make(chan struct{})
}

// longestName is the longest name that is kept, in bytes. AWS has no longer
// ones.
const longestName = 512

func shortened(name string) string { return name[:min(len(name), longestName)] }

func (in *Inspector) count(e trace.Event) {
	s := in.stats[e.Function]
	if s == nil {
		s = new(FunctionStats)
		in.stats[e.Function] = s
	}
	s.Invocations++
	s.Busy += e.Duration
	if e.Error != "" {
		s.Errors++
	}
	if e.Init > 0 {
		s.ColdStarts++
		s.InitTime += e.Init
	}
}

// after returns the kept entries with a number above n, oldest first, and a
// channel that is closed when there is another one.
func (in *Inspector) after(n uint64) ([]Entry, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var list []Entry
	for i := range in.kept {
		if e := in.kept[(in.oldest+i)%len(in.kept)]; e.Number > n {
			list = append(list, e)
		}
	}
	return list, in.more
}
