package dynamodb

import (
	"log/slog"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
	"github.com/sotto-chat/sotto/localstack/trace"
)

// Options say how to open an [Engine]. Only Dir has no default.
type Options struct {
	Dir     string       // folder of the data; made if need be
	Account string       // in table ARNs; default 000000000000
	Region  string       // in table ARNs; default us-east-1
	Log     *slog.Logger // default: nothing is logged
	// Now is the clock for expiry, tokens and creation times; default time.Now.
	Now func() time.Time
	// SweepInterval is how often expired items are looked for and deleted;
	// default 10 s. AWS promises days.
	SweepInterval time.Duration
	// Concurrency bounds the requests that are worked on at the same time;
	// others wait. Default 256.
	Concurrency int
	// Unsynced answers writes when the operating system has them, without
	// waiting for the disk. What was answered still survives the end of the
	// process, by kill -9 too; a failure of power or the system may take the
	// last moments of it. Writes are several times as fast.
	Unsynced bool
	// Trace is told of every request when it has ended; default: nobody is.
	Trace trace.Sink
	// Faults makes requests go wrong on purpose; default: none do.
	Faults Faults
}

const (
	defaultSweepInterval = 10 * time.Second
	// defaultConcurrency is far above what two dozen cores use, and small
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
