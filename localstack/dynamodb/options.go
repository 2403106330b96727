package dynamodb

import (
	"log/slog"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options configures an [Engine]. Only Dir has no default.
type Options struct {
	Dir     string       // the data folder; created if missing
	Account string       // in table ARNs; default 000000000000
	Region  string       // in table ARNs; default us-east-1
	Log     *slog.Logger // default: no log
	// Now is the clock for expiry, tokens and creation times; default
	// [time.Now].
	Now func() time.Time
	// SweepInterval is the pause between two deletions of expired items;
	// default 10 s. AWS deletes them within days.
	SweepInterval time.Duration
	// TableDelay is how long a table or a global index that a request creates
	// is CREATING: until then requests for its items are refused, as on AWS,
	// where it takes seconds. Default: none. EnsureTable never has a delay.
	TableDelay time.Duration
	// Concurrency bounds the requests in progress; others wait. Default 256.
	Concurrency int
	// Trace gets an event for every request when it has ended, before its
	// response is sent; default [trace.Discard].
	Trace trace.Sink
	// Fatal is called at most once, when the engine cannot write any more, for
	// example because the disk is full. Everything that was confirmed is
	// stored, but neither requests nor Close return any longer, so the process
	// should end. The default panics.
	Fatal func(error)
	// Faults makes requests fail on purpose; default: none.
	Faults Faults
}

const (
	defaultSweepInterval = 10 * time.Second
	// defaultConcurrency is far above what two dozen cores can use, and small
	// enough that as many pages of 1 MB fit into memory.
	defaultConcurrency = 256
)

func (o *Options) setDefaults() {
	if o.Account == "" {
		o.Account = awsname.DefaultAccount
	}
	if o.Region == "" {
		o.Region = awsname.DefaultRegion
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Trace == nil {
		o.Trace = trace.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SweepInterval <= 0 {
		o.SweepInterval = defaultSweepInterval
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
}
