package eventsource

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The bounds of mappings with streams (API reference,
// CreateEventSourceMapping).
const (
	maxBatchSize     = 10_000
	maxWindow        = 300 * time.Second
	maxParallel      = 10
	maxRetryAttempts = 10_000
	minRecordAge     = 60 * time.Second
	maxRecordAge     = 7 * 24 * time.Hour
)

// uuidPattern matches only valid file names on every system.
var uuidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// check returns all errors in the mapping.
func (c Config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	refuse(!uuidPattern.MatchString(c.UUID),
		"UUID %q is not 1 to 64 letters, digits and hyphens", c.UUID)
	refuse(c.StreamARN == "", "StreamARN is empty")
	refuse(c.Function == "", "Function is empty")
	refuse(c.StartingPosition != TrimHorizon && c.StartingPosition != Latest,
		"StartingPosition is %q, want %s or %s", c.StartingPosition, TrimHorizon, Latest)
	refuse(c.BatchSize < 1 || c.BatchSize > maxBatchSize, "BatchSize is %d, want 1 to %d", c.BatchSize, maxBatchSize)
	refuse(c.MaximumBatchingWindow < 0 || c.MaximumBatchingWindow > maxWindow,
		"MaximumBatchingWindow is %v, want 0 s to %v", c.MaximumBatchingWindow, maxWindow)
	refuse(c.ParallelizationFactor < 1 || c.ParallelizationFactor > maxParallel,
		"ParallelizationFactor is %d, want 1 to %d", c.ParallelizationFactor, maxParallel)
	refuse(c.MaximumRetryAttempts > maxRetryAttempts, "MaximumRetryAttempts is %d, want at most %d",
		c.MaximumRetryAttempts, maxRetryAttempts)
	refuse(c.MaximumRecordAge != 0 && (c.MaximumRecordAge < minRecordAge || c.MaximumRecordAge > maxRecordAge),
		"MaximumRecordAge is %v, want %v to %v", c.MaximumRecordAge, minRecordAge, maxRecordAge)
	return errors.Join(errs...)
}
